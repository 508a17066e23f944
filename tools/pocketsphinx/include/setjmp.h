// WASI has no setjmp. PocketSphinx jumps only on a fatal error, which must then end the module.
#pragma once
typedef int jmp_buf[1];
#define setjmp(buffer) 0
#define longjmp(buffer, value) __builtin_trap()
