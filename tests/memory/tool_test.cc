// SPDX-License-Identifier: Apache-2.0
//
// Values, passphrases and keys in the memory of the tool, at each of its system calls.
#include "keys/base64.h"
#include "memory/key_needles.h"
#include "memory/stepped.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production", kFolder = "acme/checkout/production/";

struct Case {
    explicit Case(const std::string& what, std::string_view policy = "")
        : mounted(policy), watched("coffer " + what) {
        const auto file = mounted.made.folder / "owner.identity";
        must(save_identity(file, must(encode_identity(mounted.made.owner))));
        add_identity(watched, "the owner", mounted.made.owner);
    }
    // A secret of the store.
    void put(const std::string& key, const std::string& value) {
        mounted.set(concat(kFolder, key), value);
        watched.add(key, value);
        add_keys_of(watched, mounted, mounted.made.owner, concat(kFolder, key));
    }
    [[nodiscard]] std::string value_of(const std::string& name) const {
        auto store = must(mounted.made.open());
        return must(unseal_live(store, mounted.made.owner, name));
    }
    // A file with a value in it.
    [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
        return mounted.made.folder.write(name, text);
    }
    Stepped::Outcome run(const std::vector<std::string>& words, const Stepped::Ends& ends = {},
                         const std::string& identity = "owner.identity") {
        std::vector<std::string> command = words;
        const std::vector<std::string> chosen{"--config", mounted.config.file, "--identity",
                                              mounted.made.folder / identity};
        command.insert(command.begin() + (words.front() == "identity" ? 2 : 1), chosen.begin(), chosen.end());
        command.insert(command.begin(), COFFER_PROGRAM);
        auto out = Stepped::run(watched, command, ends);
        INFO(out.output.substr(0, 1000));
        CHECK(out.status == 0);
        CHECK(out.steps > 50);
        return out;
    }

    MountedStore mounted;
    Watched watched;
};

// The sizes at which something is different, text for what wants text.
std::vector<std::size_t> sizes() {
    if (is_long()) return {16, 200, 4095, 4096, 4097, 16384, 65536, 1u << 20};
    return {200, 70000};
}

// For what writes all of them at once, in pieces, and is stopped at each.
std::vector<std::size_t> sizes_in_pieces() {
    if (is_long()) return {16, 200, 4095, 4096, 4097, 16384, 70000};
    return {200, 70000};
}

}  // namespace

TEST_CASE("coffer set has the value and the signer's keys in locked memory alone") {
    Case one("set");
    for (std::size_t size : sizes()) {
        const std::string value = canary_bytes(size), name = concat(kFolder, "SIZE_", size);
        one.watched.add(name, value);
        const std::string file = one.file("value", value);
        one.run({"set", name}, {.input = file});
        one.run({"set", name + "_FILE", "--from-file", file});
        CHECK(one.value_of(name) == value);
    }
}

TEST_CASE("coffer get --reveal has the value in locked memory alone, as JSON too") {
    Case one("get --reveal");
    for (std::size_t size : sizes()) {
        const std::string value = canary_bytes(size), key = concat("SIZE_", size);
        one.put(key, value);
        CHECK(one.run({"get", "--reveal", concat(kFolder, key)}).output == value);
        one.run({"get", "--reveal", "--json", concat(kFolder, key)});
    }
}

TEST_CASE("coffer export and import have the values in locked memory alone, in each format") {
    Case one("export and import");
    for (std::size_t size : sizes_in_pieces()) one.put(concat("SIZE_", size), canary_text(size));
    for (std::string format : {"dotenv", "kestra", "json"}) {
        const std::string text =
            one.run({"export", "--scope", std::string(kScope), "--format", format}).output;
        const std::string file = one.file("exported", text);
        one.run({"import", file, "--scope", "acme/checkout/" + format, "--format", format});
        one.run({"import", "-", "--scope", "acme/checkout/" + format, "--format", format, "--dry-run"},
                {.input = file});
    }
    for (std::string format : {"dir", "pass"}) {
        const std::string folder = one.mounted.made.folder / format;
        one.run({"export", "--scope", std::string(kScope), "--format", format, "--out", folder});
        one.run({"import", folder, "--scope", "acme/checkout/" + format, "--format", format});
    }
}

TEST_CASE(
    "coffer exec has the values and what it redacts in locked memory alone, while the program runs too") {
    Case one("exec");
    for (std::size_t size : {200u, 5000u}) one.put(concat("SIZE_", size), canary_text(size));
    const std::string script = one.file("program", "#!/bin/sh\nprintf '%s' \"$SIZE_200\"\n");
    std::filesystem::permissions(script, std::filesystem::perms(0700));
    const std::string shown = one.run({"exec", "--scope", std::string(kScope), "--", script}).output;
    CHECK(shown.find("redacted") != shown.npos);
    one.run({"exec", "--scope", std::string(kScope), "--kestra", "--", "/bin/true"});
}

TEST_CASE("coffer redact has the values and all their spellings in locked memory alone") {
    Case one("redact");
    const std::string value = canary_bytes(3000);
    one.watched.add("the value", value);
    const std::string file = one.file("value", value), input = one.file("input", "a " + value + " b");
    CHECK(one.run({"redact", "--file", file}, {.input = input}).output.find(value) == std::string::npos);
}

TEST_CASE("an identity under a passphrase: both are in locked memory alone, read from a file or typed") {
    Case one("get --reveal, with a passphrase");
    const std::string passphrase = canary_text(40);
    one.watched.add("the passphrase", passphrase);
    one.put("A", canary_bytes(300));
    must(save_identity(one.mounted.made.folder / "sealed.identity",
                       must(encode_identity(one.mounted.made.owner, as_bytes(passphrase), {1, 8u << 20}))));
    const std::string file = one.file("passphrase", passphrase + "\n");
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    const std::string name = concat(kFolder, "A");
    one.run({"get", "--reveal", "--passphrase-file", file, name}, {}, "sealed.identity");
    one.run({"set", name, "--from-file", one.file("value", canary_bytes(30))},
            {.typed = {{"passphrase", passphrase}}}, "sealed.identity");
}

TEST_CASE("a value and a new passphrase that are typed are in locked memory alone") {
    Case one("set and identity new, typed");
    const std::string value = canary_text(60), passphrase = canary_text(40);
    one.watched.add("the value", value);
    one.watched.add("the passphrase", passphrase);
    const std::string name = concat(kFolder, "TYPED");
    one.run({"set", name}, {.typed = {{"the value of", value}}});
    CHECK(one.value_of(name) == value);
    one.run({"identity", "new", one.mounted.made.folder / "new.identity"},
            {.typed = {{"a new passphrase", passphrase}, {"again", passphrase}}});
}

TEST_CASE("coffer rotate --reseal has the values and old keys in locked memory alone") {
    Case one("rotate --reseal");
    for (std::size_t size : sizes()) one.put(concat("SIZE_", size), canary_bytes(size));
    one.run({"rotate", std::string(kScope), "--reseal"});
}

TEST_CASE("coffer render and exec through the mount have the values in locked memory alone") {
    Case one("render and exec through the mount", allow(kRoot, "acme/**", "traced = true"));
    for (std::size_t size : {200u, 5000u}) one.put(concat("SIZE_", size), canary_text(size));
    const std::string text = one.file("template",
                                      "{{ secret('SIZE_200') }} {{ secret('SIZE_5000') | base64encode }} "
                                      "{{ secret('SIZE_200') | json }}\n");
    one.mounted.start();
    const std::string out = one.mounted.made.folder / "rendered";
    const auto run = [&](std::vector<std::string> words) {
        words.insert(words.begin(), COFFER_PROGRAM);
        words.insert(words.begin() + 2, {"--config", one.mounted.config.file});
        const auto done = Stepped::run(one.watched, words, {});
        INFO(done.output.substr(0, 1000));
        CHECK(done.status == 0);
    };
    run({"render", text, "--scope", std::string(kScope)});
    run({"render", text, "--scope", std::string(kScope), "--json"});
    run({"render", text, "--scope", std::string(kScope), "--out", out});
    run({"exec", "--scope", std::string(kScope), "--", "/bin/true"});
    run({"export", "--scope", std::string(kScope), "--mount"});
    one.mounted.stop();
}
