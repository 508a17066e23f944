// What callers say to steer any conversation: yes, no, again, wait, cancel, a human, thanks, goodbye.
import { contentWords, wordsOf } from './text.ts';

export type Command = 'repeat' | 'wait' | 'cancel' | 'human' | 'skip' | 'help' | 'thanks' | 'goodbye' | 'hello';

// Matched against the words joined by single blanks. Recognisers hear "know" for "no" and "write" for "right".
const COMMANDS: readonly (readonly [Command, RegExp])[] = [
  [
    'human',
    /\b(?:(?:speak|talk|talking|speaking|connect me|put me through|transfer me|get me|give me) (?:to |with )?(?:an? |the |some |your )?(?:\w+ )?(?:human|person|someone|somebody|anyone|operator|agent|representative|colleague|manager|people|staff)|(?:human|real person|real human|operator|representative)(?: please)?$)/,
  ],
  [
    'cancel',
    /\b(?:never ?mind|cancel(?: that| it| this| please)*$|forget (?:it|that|about it)|stop (?:it|that|this)|start over|changed my mind)\b|^stop$/,
  ],
  [
    'repeat',
    /\b(?:(?:repeat|say) (?:that|it|this)(?: again| please)?|say again|one more time|come again|what (?:did|was) (?:you|that)(?: say| again| said)?$|(?:didn't|did not|couldn't|could not|don't|can't) (?:catch|hear|get|understand) (?:that|you|it|what))\b|^(?:sorry|i'm sorry|pardon|pardon me|excuse me|what|huh|repeat|again|repeat please|sorry what|what was that|what's that|what again|you what)$/,
  ],
  [
    'wait',
    /\b(?:hold on|hang on|(?:wait|just|one|give me) (?:a |one )?(?:moment|minute|second|sec)|let me (?:think|look|check|see|find)|bear with me)\b|^(?:please )?wait(?: please)?$/,
  ],
  [
    'skip',
    /\b(?:skip (?:it|that|this)|rather not|(?:don't|do not) (?:have (?:one|a number|a phone|any)|know|want to (?:say|give))|no number|leave (?:it|that) out)\b|^skip$/,
  ],
  [
    'help',
    /\b(?:what can you (?:do|help)|how can you help|what are my options|what do you do|can you help me$|help me$)|^(?:help|options)$/,
  ],
  [
    'goodbye',
    /\b(?:good ?bye|bye(?: bye)?|see you|have a (?:nice|good|great) (?:day|one|evening)|hang up|talk to you later|that's (?:all|it|everything)|that is (?:all|it|everything)|nothing else|that will be all|that'll be all)\b/,
  ],
  [
    'thanks',
    /^(?:(?:okay|ok|great|good|perfect|alright|all right|lovely|well) )*(?:thank you|thanks|thank|cheers|appreciate it|thank you (?:very|so) much|thanks a lot)(?: (?:very|so) much| a lot| for that| for your help| then)?$/,
  ],
  [
    'hello',
    /^(?:yes )?(?:(?:hello|hi|hey|good (?:morning|afternoon|evening)|are you (?:still )?there|anybody there|can you hear me)(?: there)?(?: |$))+$/,
  ],
];

/** The command in an utterance; undefined for none, and for more than 12 words. Some commands must be the whole utterance. */
export function commandIn(text: string): Command | undefined {
  const words = wordsOf(text);
  if (words.length === 0 || words.length > 12) return undefined;
  const line = words.join(' ');
  return COMMANDS.find(([, pattern]) => pattern.test(line))?.[0];
}

const YES =
  /\b(?:yes|yeah|yep|yup|ya|yea|yah|sure|okay|ok|correct|right|write|rite|exactly|absolutely|definitely|certainly|indeed|fine|perfect|please do|go ahead|of course|sounds good|that's it|uh huh|it is|you got it|got it|affirmative|great|good)\b/;
const NO = /\b(?:no|nope|nah|know|not|wrong|incorrect|negative|isn't|wasn't|don't|doesn't|didn't|never|rong)\b/;
const NO_MEANS_YES =
  /\b(?:no problem|no worries|why not|not wrong|know that's right|no that's (?:right|correct|fine|good))\b/;

/** What an utterance answers to a yes-or-no question; undefined for neither, and for both without a "not" or a "no" at its start. */
export function yesOrNo(text: string): 'yes' | 'no' | undefined {
  const line = wordsOf(text).join(' ');
  if (NO_MEANS_YES.test(line)) return 'yes';
  const yes = YES.test(line);
  const no = NO.test(line);
  if (yes && no) return /\bnot\b|n't\b|^(?:no|nope|know|yeah no)\b/.test(line) ? 'no' : undefined;
  if (yes) return 'yes';
  return no ? 'no' : undefined;
}

/** True where nothing but an agreement or a refusal was said, so that it can't be an answer to another question. */
export function isBareYesOrNo(text: string): boolean {
  return yesOrNo(text) !== undefined && contentWords(wordsOf(text)).length <= 2 && wordsOf(text).length <= 4;
}

/** What follows a "no" that corrects: "no, it's Petra" → "it's Petra". */
export function afterNo(text: string): string {
  return text.replace(
    /^\W*(?:(?:no|nope|nah|know|wrong|that's (?:wrong|not right|not correct)|it's not|not quite|sorry)\b[\s,.]*)+/i,
    '',
  );
}
