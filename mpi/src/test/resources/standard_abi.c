/* The part of the standard ABI of MPI 5.0 that is bound, over Open MPI, until libraries with that ABI are common.
   What is not in the ABI is refused: a wrong constant must not pass. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uintptr_t Handle;
enum { ERR_ARG = 13 };

static void *symbol(const char *name) {
  static void *library;
  if (!library) library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
  return dlsym(library, name);
}

static void *handle(Handle standard) {
  switch (standard) {
  case 0x101: return symbol("ompi_mpi_comm_world");
  case 0x142: return symbol("ompi_mpi_errors_return");
  case 0x143: return symbol("ompi_mpi_errors_abort");
  case 0x247: return symbol("ompi_mpi_byte");
  default: fprintf(stderr, "standard ABI: no handle %#lx\n", (unsigned long)standard); return NULL;
  }
}

#define REAL(name, ...) ((int (*)(__VA_ARGS__))symbol(name))

int MPI_Abi_get_version(int *major, int *minor) { *major = 1; *minor = 0; return 0; }

int MPI_Get_library_version(char *text, int *length) {
  *length = sprintf(text, "Standard ABI over Open MPI, for tests");
  return 0;
}

int MPI_Initialized(int *flag) { return REAL("MPI_Initialized", int *)(flag); }

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
  if (required != 0 && required != 1024 && required != 2048 && required != 4096) return ERR_ARG;
  int status = REAL("MPI_Init_thread", int *, char ***, int, int *)(argc, argv, required / 1024, provided);
  *provided *= 1024;
  return status;
}

int MPI_Comm_set_errhandler(Handle comm, Handle handler) {
  return REAL("MPI_Comm_set_errhandler", void *, void *)(handle(comm), handle(handler));
}

int MPI_Comm_rank(Handle comm, int *rank) { return REAL("MPI_Comm_rank", void *, int *)(handle(comm), rank); }
int MPI_Comm_size(Handle comm, int *size) { return REAL("MPI_Comm_size", void *, int *)(handle(comm), size); }

int MPI_Bcast(void *data, int count, Handle type, int root, Handle comm) {
  return REAL("MPI_Bcast", void *, int, void *, int, void *)(data, count, handle(type), root, handle(comm));
}

int MPI_Alltoall(void *from, int n, Handle type, void *to, int m, Handle other, Handle comm) {
  return REAL("MPI_Alltoall", void *, int, void *, void *, int, void *, void *)(
      from, n, handle(type), to, m, handle(other), handle(comm));
}

int MPI_Allgather(void *from, int n, Handle type, void *to, int m, Handle other, Handle comm) {
  return REAL("MPI_Allgather", void *, int, void *, void *, int, void *, void *)(
      from, n, handle(type), to, m, handle(other), handle(comm));
}

int MPI_Barrier(Handle comm) { return REAL("MPI_Barrier", void *)(handle(comm)); }
int MPI_Abort(Handle comm, int code) { return REAL("MPI_Abort", void *, int)(handle(comm), code); }
int MPI_Error_string(int code, char *text, int *length) {
  return REAL("MPI_Error_string", int, char *, int *)(code, text, length);
}
int MPI_Finalize(void) { return REAL("MPI_Finalize", void)(); }
