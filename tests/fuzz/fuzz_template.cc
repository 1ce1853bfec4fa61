// SPDX-License-Identifier: Apache-2.0
//
// Templates. Properties: what parses is rendered or refused, alike each time; a text that opens no expression
// comes out as it is; and the secrets that are named are names.
#include <algorithm>

#include "access/template/template_parser.h"
#include "names/name.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto parsed = parse_template(text, "fuzz");
    const bool plain =
        text.find("{{") == text.npos && text.find("{#") == text.npos && text.find("{%") == text.npos;
    require(parsed.has_value() || (!plain && parsed.error().message.starts_with("fuzz:")),
            "a refusal says where");
    if (!parsed) return 0;
    for (const TemplateSecret& secret : parsed->secrets())
        require(check_key(secret.key).has_value(), "what is looked for is a KEY");
    // The template's own bytes as values: whatever they are, a filter writes them or refuses.
    const std::vector<ByteView> values(parsed->secrets().size(),
                                       ByteView(data, std::min<std::size_t>(size, 64)));
    auto once = parsed->render(values), again = parsed->render(values);
    require(once.has_value() == again.has_value(), "rendering has one outcome");
    if (!once) return 0;
    require(once->equals(again->view()), "and one text");
    require(!plain || as_text(once->view()) == text, "what is plain stays as it is");
    return 0;
}
