const sequences = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_78=>]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** What a terminal's bytes say, without colours and cursor movements: lines that were written over keep what was written last. */
export function plainText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
    .replace(/\r+\n/g, '\n')
    .replace(sequences, '')
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n');
}
