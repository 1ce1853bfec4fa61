// SPDX-License-Identifier: Apache-2.0
//
// SecretForms: every spelling of a value that is looked for in what a program writes. As it is, also with a
// terminal's line ends; line by line; base64 in both alphabets, where it stands alone or within something
// longer (three alignments), and wrapped at 64 and 76 columns; hexadecimal; URL-escaped; JSON-escaped; the
// last two as the usual libraries write them. What is derived is in locked memory and wiped. Pure.
#pragma once

#include "redact/locked_vector.h"

namespace coffer {

// What is shorter occurs everywhere: to look for it would hide the output and show the value by its gaps.
inline constexpr std::size_t kShortestForm = 4;
// Of longer values only the value, its lines and its base64 are looked for: the rest has many times their
// size.
inline constexpr std::size_t kAllFormsLimit = 64u << 10;

class SecretForms {
  public:
    // False: the value is too short to be looked for. An empty value needs no looking for.
    [[nodiscard]] bool add(ByteView value);
    // In no order; one may be there twice. Valid until the next add().
    [[nodiscard]] std::vector<ByteView> all() const;

  private:
    friend class FormWriter;
    LockedVector<std::uint8_t> bytes_;
    std::vector<std::size_t> ends_;  // of each form in bytes_
};

}  // namespace coffer
