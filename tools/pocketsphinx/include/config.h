// PocketSphinx's configuration for WASI, in the place of what CMake would write.
#define HAVE_STDINT_H 1
#define HAVE_UNISTD_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SNPRINTF 1
#define SIZEOF_LONG_LONG 8
#define DEFAULT_RADIX 12
#define FE_DEFAULT 1
#define MODELDIR "/model"
