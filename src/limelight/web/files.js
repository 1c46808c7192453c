"use strict";
// A dropped file as a table: unpacked if it is compressed, refused if it does not hold text.
const files = (() => {
  const PACKED = /\.(gz|zip)$/i, MOST_BYTES = (1 << 29) - 32, READ = "the page reads CSV, JSON lines and the UCR/UEA archive";
  const ENDINGS = [
    [/\.(xlsx|xlsm|xls|ods)$/i, "an Excel workbook", "save the sheet as CSV"], [/\.(parquet|pq)$/i, "a Parquet file", "save it as CSV"], [/\.(feather|arrow|ipc)$/i, "an Arrow file", "save it as CSV"],
    [/\.(bz2|xz|zst|7z|rar|tar|tgz)$/i, "a packed file", "unpack it, or pack it as .gz or .zip"], [/\.(npy|npz|mat|h5|hdf5)$/i, "a file of arrays", "save it as CSV"],
    [/\.arff$/i, "an ARFF file", "save it as CSV"], [/\.json$/i, "one JSON document", "save it as JSON lines (.jsonl), one object in each line"],
  ];
  const STARTS = [["PK\x03\x04", "a zip file or an Excel workbook"], ["PAR1", "a Parquet file"], ["ARROW1", "an Arrow file"], ["%PDF", "a PDF file"], ["\x89PNG", "a picture"], ["\x93NUMPY", "a file of arrays"], ["\x89HDF", "a file of arrays"]];

  // Browsers cannot hold longer text in one string.
  function requireSize(size, name) {
    if (size > MOST_BYTES) tables.fail(`expected a file of at most 512 MiB of text, got more in '${name}'; split it, or predict it with limelight predict`);
  }

  async function through(bytes, kind, name) {
    const chunks = [], reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(kind)).getReader();
    let size = 0;
    try {
      for (let one = await reader.read(); !one.done; one = await reader.read()) {
        chunks.push(one.value);
        if ((size += one.value.length) > MOST_BYTES) break;
      }
    } catch {
      tables.fail(`expected a whole compressed file, got '${name}', which is damaged; pack it again`);
    }
    requireSize(size, name);
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  // Where the entries of a zip file begin, without folders and files that operating systems add.
  function entriesOf(bytes, view) {
    let end = bytes.length - 22;
    while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
    const found = [], count = end < 0 ? 0 : view.getUint16(end + 10, true);
    for (let at = end < 0 ? 0 : view.getUint32(end + 16, true), place = 0; place < count && at + 46 <= end; place++) {
      const length = view.getUint16(at + 28, true), path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length));
      if (!/^(__MACOSX\/|\.)|\/$/.test(path)) found.push(at);
      at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
    return found;
  }

  // The only file in a zip file.
  async function unzipped(bytes, name) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), entries = entriesOf(bytes, view), [entry] = entries;
    if (entries.length !== 1) tables.fail(`expected a zip file with one file in it, got '${name}' with ${entries.length}; unpack it`);
    const method = view.getUint16(entry + 10, true), size = view.getUint32(entry + 20, true), local = view.getUint32(entry + 42, true);
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true), packed = bytes.subarray(from, from + size);
    return method === 0 ? packed : through(packed, "deflate-raw", name);
  }

  async function unpacked(bytes, name) {
    const [a, b] = bytes, ending = (PACKED.exec(name) || ["", ""])[1].toLowerCase();
    if (a === 0x1f && b === 0x8b) return through(bytes, "gzip", name);
    if (ending === "gz") tables.fail(`expected a gzip file, got '${name}', which is not one; pack it again`);
    return ending === "zip" ? unzipped(bytes, name) : bytes;
  }

  // The table of a file; the error for a file of another kind states what the page reads.
  async function open(given, name, model) {
    requireSize(given.length, name);
    const bytes = await unpacked(given, name), bare = name.replace(PACKED, ""), start = String.fromCharCode(...bytes.subarray(0, 8));
    const [, kind, remedy] = ENDINGS.find(([ending]) => ending.test(bare)) || [], found = STARTS.find(([sign]) => start.startsWith(sign));
    if (kind || found) tables.fail(`expected a text file, as ${READ}, got ${kind || found[1]}: '${name}'; ${remedy || "save the table as CSV"}, or predict it with limelight predict or limelight serve`);
    return tables.read(bytes, bare, model);
  }

  // The bytes of a dropped file; a folder has none.
  async function bytesOf(file) {
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      return tables.fail(`expected files, got a folder, or a file that cannot be opened: '${file.name}'; choose the files in it`);
    }
  }

  return { bytesOf, open };
})();
