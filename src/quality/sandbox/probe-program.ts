/**
 * What a tier has to keep in. The program reads `{outside, port}` from its standard input and prints `{leaks}`:
 * everything it managed to do and should not have.
 */
export const probeProgram = `
'use strict';
const fs = require('node:fs');
const net = require('node:net');
const { outside, port } = JSON.parse(fs.readFileSync(0, 'utf8'));
const leaks = [];
function attempt(name, action) {
  try {
    action();
    leaks.push(name);
  } catch {}
}
if (Object.keys(process.env).some((name) => name !== 'TZ')) leaks.push('read the environment');
attempt('read a file outside', () => fs.readFileSync(outside + '/secret'));
attempt('read the environment of another process', () => fs.readFileSync('/proc/1/environ'));
attempt('write a file outside', () => fs.writeFileSync(outside + '/written', ''));
attempt('write a file', () => fs.writeFileSync(__dirname + '/written', ''));
attempt('start a process', () => require('node:child_process').spawn(process.execPath, ['--version']));
function answer() {
  process.stdout.write(JSON.stringify({ leaks }) + '\\n', () => process.exit(0));
}
try {
  const socket = net.connect(port, '127.0.0.1');
  socket.once('connect', () => {
    leaks.push('open a connection');
    answer();
  });
  socket.once('error', answer);
} catch {
  answer();
}
`;
