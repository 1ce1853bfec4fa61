// SPDX-License-Identifier: Apache-2.0
//
// Files of secrets, which anybody may have written: dotenv, and the other texts that `import` reads.
// Properties: a decoded value is never longer than the text; what was read is written so that it is read
// again the same.
#include <algorithm>

#include "formats/dotenv.h"
#include "formats/format.h"
#include "formats/json.h"
#include "formats/kestra.h"
#include "names/name.h"
#include "require.h"

using namespace coffer;

namespace {

Bytes joined(const SecretChunks& chunks) {
    Bytes out;
    for (ByteView part : chunks.parts()) out.insert(out.end(), part.begin(), part.end());
    return out;
}

// Writes the entries that have a KEY, reads them and compares.
void check_round_trip(Format format, const Entries& entries) {
    SecretChunks chunks;
    JsonWriter json(chunks);
    SecretChunks lines;
    std::vector<const Entry*> written;
    for (const Entry& entry : entries.list) {
        if (!check_key(entry.name)) continue;
        Result<void> done;
        if (format == Format::json) done = json.add(entry.name, entry.value);
        if (format == Format::kestra) done = write_kestra(lines, entry.name, entry.value);
        if (format == Format::dotenv) done = write_dotenv(lines, entry.name, entry.value);
        require(done.has_value(), "what was read can be written");
        written.push_back(&entry);
    }
    require(json.finish().has_value(), "an object ends");
    Bytes text = joined(format == Format::json ? chunks : lines);
    auto again = parse_entries(format, text);
    require(again.has_value(), "what was written can be read");
    require(again->list.size() == written.size(), "every entry comes back");
    require(again->warnings.empty(), "and nothing is doubtful about it");
    for (std::size_t i = 0; i < written.size(); ++i) {
        require(again->list[i].name == written[i]->name, "a name comes back");
        require(std::ranges::equal(again->list[i].value, written[i]->value), "a value comes back");
    }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)guess_format({data, size});
    for (Format format : {Format::dotenv, Format::kestra, Format::json}) {
        Bytes text(data, data + size);
        auto entries = parse_entries(format, text);
        if (!entries) {
            require(entries.error().message.starts_with("line "), "an error names its line");
            continue;
        }
        std::size_t bytes = 0;
        for (const Entry& entry : entries->list) bytes += entry.value.size();
        require(bytes <= size, "values lie within the text");
        check_round_trip(format, *entries);
    }
    return 0;
}
