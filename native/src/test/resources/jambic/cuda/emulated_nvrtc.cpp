// Kernels on the host, for fake_cuda.c: compiles a source with the C++ compiler and emulator.h in place of NVRTC, and
// runs what it made.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <regex>
#include <string>

// `machine code` is the path of a library; empty when the source does not compile.
extern "C" char* emulatedCompile(const char* name, const char* source, int headers, const char* const* texts,
    const char* const* names, int count, const char* const* options) {
  std::string folder = std::string(getenv("FAKE_EMULATOR")) + "/kernels";
  std::string defines, all = source;
  for (int i = 0; i < count; i++) {
    if (strncmp(options[i], "-D", 2) == 0) {
      defines += std::string(" ") + options[i];
    }
  }
  for (int i = 0; i < headers; i++) {
    all += texts[i];
  }
  folder += std::to_string(std::hash<std::string>()(name + defines + all));
  std::string library = folder + "/kernels.so";
  if (system(("mkdir -p " + folder).c_str()) != 0) {
    return strdup("");
  }
  for (int i = 0; i < headers; i++) {
    if (strcmp(names[i], "ptx.cuh") != 0) { // the emulator has its own
      std::ofstream(folder + "/" + names[i]) << texts[i];
    }
  }
  std::string text = std::regex_replace(std::string(source), std::regex("extern __shared__ (\\w+) memory\\[\\];"),
      "static $1 (&memory)[SHARED_BYTES / sizeof($1)] = *($1 (*)[SHARED_BYTES / sizeof($1)])sharedMemory;");
  std::regex kernel("extern \"C\" __global__ void (?:__launch_bounds__\\([^)]+\\) )?(\\w+)\\(");
  std::ofstream cpp(folder + "/kernels.cpp");
  cpp << "#include \"emulator.h\"\n#line 1 \"" << name << "\"\n" << text << "\n";
  for (std::sregex_iterator i(all.begin(), all.end(), kernel), end; i != end; ++i) {
    cpp << "EMULATED(" << (*i)[1] << ")\n";
  }
  cpp.close();
  std::string command = "c++ -std=c++17 -O1 -w -fPIC -shared -ffp-contract=off -fno-strict-aliasing -U_FORTIFY_SOURCE"
      " -fsanitize=alignment -fsanitize-undefined-trap-on-error -I" + folder + " -I"
      + getenv("FAKE_EMULATOR") + defines + " -o " + library + " " + folder + "/kernels.cpp";
  return strdup(system(command.c_str()) == 0 ? library.c_str() : "");
}

extern "C" void* emulatedLoad(const char* library) { return dlopen(library, RTLD_NOW | RTLD_LOCAL); }

extern "C" void* emulatedKernel(void* module, const char* name) {
  return dlsym(module, (std::string("emulated_") + name).c_str());
}

struct Kernel {
  void (*call)(void**);
  int count;
  size_t sizes[64];
};

// A launch to be run later: the arguments are copied now, as a driver does.
struct Launch {
  const Kernel* kernel;
  int (*emulate)(const Kernel*, int, int, int, int, int, void**);
  int gx, gy, gz, threads, shared;
  alignas(16) char values[4096];
  void* arguments[64];
};

extern "C" void* emulatedLaunch(void* module, const Kernel* kernel, int gx, int gy, int gz, int threads, int shared, void** arguments) {
  Launch* launch = new Launch{kernel, nullptr, gx, gy, gz, threads, shared};
  launch->emulate = (decltype(launch->emulate))dlsym(module, "emulate");
  size_t at = 0;
  for (int i = 0; i < kernel->count; i++) {
    at = (at + 15) / 16 * 16;
    memcpy(launch->values + at, arguments[i], kernel->sizes[i]);
    launch->arguments[i] = launch->values + at;
    at += kernel->sizes[i];
  }
  return launch;
}

extern "C" void emulatedRun(Launch* launch) {
  launch->emulate(launch->kernel, launch->gx, launch->gy, launch->gz, launch->threads, launch->shared, launch->arguments);
}

extern "C" void emulatedFree(Launch* launch) { delete launch; }
