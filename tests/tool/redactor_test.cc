// SPDX-License-Identifier: Apache-2.0
#include "redact/redactor.h"

#include <random>

#include "support/catch.h"

using namespace coffer;

namespace {

Redactor redactor_of(const std::vector<std::string>& wanted) {
    std::vector<ByteView> views;
    for (const std::string& one : wanted) views.push_back(as_bytes(one));
    return Redactor(views);
}

std::string text_of(const LockedVector<std::uint8_t>& bytes) {
    return std::string(as_text(bytes));
}

// In chunks of the sizes that `next_size` gives.
template <class NextSize>
std::string redacted(const Redactor& redactor, std::string_view text, NextSize next_size) {
    Redactor::Stream stream(redactor);
    LockedVector<std::uint8_t> out;
    while (!text.empty()) {
        const std::string_view chunk = text.substr(0, next_size());
        stream.feed(as_bytes(chunk), out);
        text.remove_prefix(chunk.size());
    }
    stream.flush(out);
    CHECK(stream.held() == 0);
    return text_of(out);
}

std::string redacted(const std::vector<std::string>& wanted, std::string_view text) {
    return redacted(redactor_of(wanted), text, [&] { return text.size(); });
}

// What it has to be, in the plainest way.
std::string naively_redacted(const std::vector<std::string>& wanted, std::string_view text) {
    std::vector<bool> covered(text.size() + 1);
    for (const std::string& one : wanted) {
        if (one.size() < 4) continue;
        for (std::size_t at = text.find(one); at != text.npos; at = text.find(one, at + 1))
            std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), one.size(), true);
    }
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!covered[i]) out += text[i];
        if (covered[i] && !covered[i + 1]) out += Redactor::kMark;
    }
    return out;
}

}  // namespace

TEST_CASE("redactor takes out each occurrence and leaves the rest as it is") {
    CHECK(redacted({"hunter2!"}, "password=hunter2!\nagain: hunter2!.") ==
          "password=[redacted]\nagain: [redacted].");
    CHECK(redacted({"hunter2!"}, "hunter2") == "hunter2");
    CHECK(redacted({}, "anything at all") == "anything at all");
    CHECK(redacted({"abc"}, "too short: abc") == "too short: abc");
    CHECK(redacted({"abcd"}, "") == "");
}

TEST_CASE("redactor takes out the whole of what overlaps or touches, as one") {
    CHECK(redacted({"abcdef", "defghi"}, "<abcdefghi>") == "<[redacted]>");
    CHECK(redacted({"secret"}, "<secretsecret>") == "<[redacted]>");
    CHECK(redacted({"bcde", "abcdefg"}, "<abcdefg> <abcdef>") == "<[redacted]> <a[redacted]f>");
    CHECK(redacted({"aaaa"}, "aaaaaaaaaaa b aaa") == "[redacted] b aaa");
}

TEST_CASE("redactor holds back only what may become an occurrence, and finds it across any cut") {
    const auto redactor = redactor_of({"hunter2!"});
    for (std::size_t cut = 0; cut <= 8; ++cut) {
        Redactor::Stream stream(redactor);
        LockedVector<std::uint8_t> out;
        const std::string text = "x hunter2! y";
        stream.feed(as_bytes(std::string_view(text).substr(0, 2 + cut)), out);
        CHECK(text_of(out) == (cut == 8 ? "x [redacted]" : "x "));
        CHECK(stream.held() == cut % 8);
        stream.feed(as_bytes(std::string_view(text).substr(2 + cut)), out);
        CHECK(text_of(out) == "x [redacted] y");
        CHECK(stream.held() == 0);
    }
}

TEST_CASE("redactor gives out on a pause what it held, and still takes out the rest of an occurrence") {
    const auto redactor = redactor_of({"hunter2!", "er2!-and-more"});
    Redactor::Stream stream(redactor);
    LockedVector<std::uint8_t> out;
    stream.feed(as_bytes("say hunt"), out);
    CHECK(text_of(out) == "say ");
    stream.flush(out);
    CHECK(text_of(out) == "say hunt");
    stream.feed(as_bytes("er2!"), out);
    stream.flush(out);
    CHECK(text_of(out) == "say hunt[redacted]");
    stream.feed(as_bytes("-and-more."), out);
    CHECK(text_of(out) == "say hunt[redacted].");
}

TEST_CASE("redactor does what the plainest search does, for any strings and any chunks") {
    std::mt19937 random(20261121);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    for (int round = 0; round < 4000; ++round) {
        const std::size_t letters = 1 + below(4);
        const auto word = [&](std::size_t most) {
            std::string out;
            for (std::size_t i = below(most + 1); i > 0; --i) out += static_cast<char>('a' + below(letters));
            return out;
        };
        std::vector<std::string> wanted;
        for (std::size_t i = below(8); i > 0; --i) wanted.push_back(word(4 + below(12)));
        std::string text = word(80);
        for (const std::string& one : wanted) text += word(6) + one + word(3);
        const auto redactor = redactor_of(wanted);
        const std::size_t largest = 1 + below(20);
        const std::string expected = naively_redacted(wanted, text);
        INFO("text " << text << ", largest chunk " << largest);
        REQUIRE(redacted(redactor, text, [&] { return 1 + below(largest); }) == expected);
        REQUIRE(redacted(redactor, text, [&] { return text.size(); }) == expected);
    }
}

TEST_CASE("redactor does what the plainest search does on bytes of every kind") {
    std::mt19937 random(42);
    for (int round = 0; round < 20; ++round) {
        std::vector<std::string> wanted(200);
        std::string text;
        for (std::string& one : wanted) {
            for (std::size_t i = 4 + random() % 60; i > 0; --i) one += static_cast<char>(random());
            for (std::size_t i = random() % 50; i > 0; --i) text += static_cast<char>(random());
            text += std::string_view(one).substr(0, 1 + random() % one.size());
            text += std::string_view(one).substr(random() % 2);
        }
        REQUIRE(redacted(redactor_of(wanted), text, [&] { return 1 + random() % 300; }) ==
                naively_redacted(wanted, text));
    }
}
