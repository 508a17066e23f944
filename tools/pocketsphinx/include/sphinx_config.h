// PocketSphinx includes its configuration by this name as well.
#include "config.h"
