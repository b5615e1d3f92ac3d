// Prints as JSON what a reader of GIFT finds in a file: node gift_import.cjs FILE
const { readFileSync } = require('node:fs');
const { parse } = require('gift-pegjs');

process.stdout.write(JSON.stringify(parse(readFileSync(process.argv[2], 'utf8'))));
