/**
 * Standard input as the command line uses it: questions to a person, or lines from a program.
 *
 * @module
 */
import { isatty } from 'node:tty';
import type { Terminal } from './cli/terminal.ts';

/** No answer of ours is longer. */
const ANSWER_LENGTH_MAX = 1_000;
const INPUT_BYTES_MAX = 64 * 1024;

const CONTROL_C = '\u0003';
const CONTROL_D = '\u0004';
const CONTROL_U = '\u0015';
const BACKSPACES = ['\b', '\u007f'];

/** A question that waits for its answer. */
interface Question {
  text: string;
  resolve(answer: string): void;
  reject(error: Error): void;
}

/** Questions go to standard error; standard output holds results. */
export function makeTerminal(): Terminal {
  return {
    isInteractive: isatty(0),

    async askHidden(work) {
      const { stdin, stderr } = process;
      let waiting: Question | undefined;
      function take(chunk: Buffer): void {
        const asked = waiting;
        // Typed before the question: it answers nothing.
        if (asked === undefined || !isAnswered(asked, chunk)) return;
        waiting = undefined;
        stderr.write('\n');
      }
      // Raw from the first question to the last: in between, what is pasted would be shown.
      stdin.setRawMode(true).on('data', take).resume();
      try {
        return await work((question) => {
          stderr.write(question);
          return new Promise((resolve, reject) => {
            waiting = { text: '', resolve, reject };
          });
        });
      } finally {
        stdin.off('data', take).setRawMode(false).pause();
      }
    },

    async readLines() {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > INPUT_BYTES_MAX) throw new Error('standard input is too long');
        chunks.push(chunk);
      }
      const lines = Buffer.concat(chunks).toString('utf8').split('\n');
      return lines.map((line) => line.trim()).filter((line) => line !== '');
    },
  };
}

/** Adds to the answer what was typed. What comes in one go behind Enter is left out. */
function isAnswered(question: Question, chunk: Buffer): boolean {
  for (const character of chunk.toString('utf8')) {
    if (character === '\r' || character === '\n') {
      question.resolve(question.text);
      return true;
    }
    if (character === CONTROL_C || character === CONTROL_D) {
      question.reject(new Error('it was broken off'));
      return true;
    }
    if (character === CONTROL_U) question.text = '';
    else if (BACKSPACES.includes(character)) question.text = question.text.slice(0, -1);
    else if (question.text.length < ANSWER_LENGTH_MAX) question.text += character;
  }
  return false;
}
