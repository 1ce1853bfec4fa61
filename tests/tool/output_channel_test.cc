// SPDX-License-Identifier: Apache-2.0
#include "redact/output_channel.h"

#include "base/pipe.h"
#include "support/catch.h"

using namespace coffer;

namespace {

constexpr std::string_view kValue = "hunter2!";

struct Ends {
    Pipe in = Pipe::make().value(), out = Pipe::make().value();
    OutputChannel channel;

    explicit Ends(const Redactor& redactor)
        : channel(Descriptor(::dup(in.read_end.get())), out.write_end.get(), redactor,
                  OutputChannel::Writing::never_waits) {}
    void program_writes(std::string_view text) const {
        REQUIRE(::write(in.write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    // What came out, all of it.
    std::string seen() {
        std::string text(1 << 16, '\0');
        while (channel.is_pending()) channel.ready(POLLOUT);
        text.resize(static_cast<std::size_t>(::read(out.read_end.get(), text.data(), text.size())));
        return text;
    }
};

Redactor redactor() {
    const ByteView value = as_bytes(kValue);
    return Redactor({&value, 1});
}

}  // namespace

TEST_CASE("what may become a value is given out on a pause, and not before") {
    const Redactor wanted = redactor();
    Ends ends(wanted);
    ends.program_writes("name? hunt");
    ends.channel.ready(POLLIN);
    CHECK(ends.seen() == "name? ");
    const auto end = ends.channel.deadline();
    REQUIRE(end);
    ends.channel.tick(*end - std::chrono::milliseconds(1));
    CHECK_FALSE(ends.channel.is_pending());
    ends.channel.tick(*end);
    CHECK(ends.seen() == "hunt");
    CHECK_FALSE(ends.channel.deadline());
}

TEST_CASE("what is hardly by chance the beginning of a value is given out after a long pause alone") {
    const ByteView value = as_bytes("hunter2! and more");
    const Redactor wanted({&value, 1});
    Ends ends(wanted);
    ends.program_writes("hunter2!");
    const auto before = OutputChannel::Clock::now();
    ends.channel.ready(POLLIN);
    const auto end = ends.channel.deadline();
    REQUIRE(end);
    CHECK(*end >= before + OutputChannel::kLongPause);
    ends.channel.tick(*end);
    CHECK(ends.seen() == "hunter2!");
}

TEST_CASE("while a slow reader or a busy host keeps the channel from reading, there is no pause") {
    const Redactor wanted = redactor();
    Ends ends(wanted);
    ends.program_writes("name? hunt");
    ends.channel.ready(POLLIN);
    const auto end = ends.channel.deadline();
    // The output is taken late; by then the rest is there and was not read yet.
    ends.program_writes("er2! is it");
    CHECK(ends.seen() == "name? ");
    ends.channel.tick(end.value_or(OutputChannel::Clock::now()) + 10 * OutputChannel::kPause);
    CHECK_FALSE(ends.channel.is_pending());
    ends.channel.ready(POLLIN);
    CHECK(ends.seen() == "[redacted] is it");
}
