// SPDX-License-Identifier: LGPL-3.0-or-later
//
// CleanStreams: what the program writes to stdout and stderr, with all that a terminal would obey
// written out, except the few sequences that are our own. Names and values are cleaned where they
// are set into a line; here is the door that nothing gets past.
#pragma once

#include <memory>
#include <streambuf>

namespace bemi::cli {

class CleanStreams {
 public:
  // From now on std::cout and std::cerr; the destructor puts them back. One at a time.
  CleanStreams();
  CleanStreams(const CleanStreams&) = delete;
  CleanStreams& operator=(const CleanStreams&) = delete;
  ~CleanStreams();

  // Leaves stdout unchanged unless it is a terminal: JSON, CSV and SQL are for programs.
  void leave_stdout_to_programs();

 private:
  class Buffer;
  std::unique_ptr<Buffer> out_;
  std::unique_ptr<Buffer> error_;
  std::streambuf* out_before_;
  std::streambuf* error_before_;
};

}  // namespace bemi::cli
