// SPDX-License-Identifier: Apache-2.0
//
// Short texts that people hand each other or that stand in a file: names, scopes, patterns, recipients, pins
// and watermarks. Property: what parses is written back the same way.
#include "keys/identity.h"
#include "keys/secret_buffer.h"
#include "names/scope.h"
#include "require.h"
#include "view/watermark.h"

using namespace coffer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto scope = Scope::parse(text)) require(scope->text() == text, "a scope has one spelling");
    if (auto pattern = Pattern::parse(text)) require(pattern->text() == text, "a pattern has one spelling");
    if (auto name = SecretName::parse(text)) require(name->text() == text, "a name has one spelling");
    if (auto recipient = Recipient::parse(text))
        require(recipient->text() == text, "a recipient has one spelling");
    if (auto pin = parse_pin_text(text)) require(pin_text(*pin) == text, "a pin has one spelling");
    if (auto mark = Watermark::decode(text, {}))
        require(mark->encode({}) == text, "a watermark has one spelling");
    return 0;
}
