// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A fuzz target without libFuzzer: runs it over every file of a corpus, and over seeded mutations of
// them. A short stand-in for ./dev fuzz that every test run can afford.
//
//   replay FOLDER [SEED]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int mutations_per_input = 2000;

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

void mutate(std::string& input, std::mt19937_64& random) {
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t times = 1 + below(4); times > 0; --times) {
    std::size_t at = below(input.size() + 1);
    switch (below(4)) {
      case 0: input.insert(at, 1, static_cast<char>(random())); break;
      case 1: input.erase(at, below(5)); break;
      case 2: input.insert(at, input.substr(below(input.size() + 1), below(9))); break;
      default:
        if (at < input.size()) input[at] = static_cast<char>(random());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 random(seed);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string input(std::istreambuf_iterator<char>(file), {});
    run(input);
    for (int i = 0; i < mutations_per_input; ++i) {
      std::string mutant = input;
      mutate(mutant, random);
      run(mutant);
    }
    ++files;
  }
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
