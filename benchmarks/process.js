#!/usr/bin/env node
// A process with some 150 MiB of Node.js memory, to be measured: files read, cut into lines that are objects, and an index of their words.
//
//     node --max-old-space-size=3000 benchmarks/process.js & sleep 20; ./pagefold measure --pid $!; kill $!
//
// It prints its number when its memory is ready, and stays until it is ended. The content depends on the documents, headers and Perl
// modules of the system.
"use strict";
const fs = require("fs");
const path = require("path");

const MOST_FILES = 6000;
const MOST_BYTES = 300_000;
const LINES = 200;
const WORDS = 500;

const documents = [];
const index = new Map();

function read(folder) {
    let entries;
    try {
        entries = fs.readdirSync(folder, { withFileTypes: true });
    } catch {
        return;
    }
    for (const entry of entries) {
        if (documents.length >= MOST_FILES)
            return;
        const name = path.join(folder, entry.name);
        if (entry.isDirectory())
            read(name);
        else if (entry.isFile())
            add(name);
    }
}

function add(name) {
    let text;
    try {
        if (fs.statSync(name).size > MOST_BYTES)
            return;
        text = fs.readFileSync(name, "utf8");
    } catch {
        return;
    }
    const number = documents.length;
    const lines = text.split("\n").slice(0, LINES);
    documents.push({ path: name, size: text.length, lines: lines.map((line, i) => ({ no: i, text: line, len: line.length })) });
    for (const word of text.split(/\W+/).slice(0, WORDS)) {
        if (!index.has(word))
            index.set(word, []);
        const places = index.get(word);
        places.push({ doc: number, at: places.length * 3 });
    }
}

["/usr/share/doc", "/usr/include", "/usr/share/perl"].forEach(read);
console.log(process.pid);
// Keeps the objects alive.
setInterval(() => documents.length + index.size, 1_000_000);
