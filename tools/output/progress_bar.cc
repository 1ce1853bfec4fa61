// SPDX-License-Identifier: Apache-2.0
#include "output/progress_bar.h"

#include <unistd.h>

#include <string>

#include "base/file.h"

namespace coffer {
namespace {

constexpr std::size_t kWidth = 30;
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

ProgressBar::ProgressBar(std::string_view verb, std::size_t total)
    : verb_(verb), total_(total), visible_(total > 0 && isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
    if (visible_) (void)write_all(STDERR_FILENO, as_bytes(kClearLine));
}

void ProgressBar::show(std::size_t done) {
    if (!visible_) return;
    const std::size_t filled = done >= total_ ? kWidth : done * kWidth / total_;
    (void)write_all(STDERR_FILENO,
                    as_bytes(concat(kClearLine, verb_, " [", std::string(filled, '#'),
                                    std::string(kWidth - filled, ' '), "] ", done, " of ", total_)));
}

}  // namespace coffer
