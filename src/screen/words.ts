/**
 * Every word a customer can read or hear, by key. A language is one object with these keys; `{name}` marks a
 * place to fill in. Titles say where the customer is, instructions what to do next, both in plain sentences
 * that can be spoken as they stand.
 */

/** English. The other languages must have the same keys with the same places. */
export const ENGLISH = {
  'starting.title': 'Starting up',
  'starting.instruction': 'This machine is getting ready. Please wait.',
  'recovering.title': 'Getting ready',
  'recovering.instruction': 'This machine is checking its records. Please wait.',
  'resting.title': 'One moment',
  'resting.instruction': 'Please wait.',
  'idle.title': 'Welcome',
  'idle.instruction': 'Please insert your card.',
  'offline.title': 'Temporarily not available',
  'offline.instruction':
    'Your bank cannot be reached just now. Please come back later or use another machine.',
  'outOfService.title': 'Out of service',
  'outOfService.instruction': 'We are sorry. Please use another machine.',
  'supervisor.title': 'In maintenance',
  'supervisor.instruction': 'Somebody is looking after this machine. Please use another machine.',
  'servicing.title': 'In maintenance',
  'servicing.instruction': 'Somebody is looking after this machine. Please use another machine.',
  'closingDay.title': 'One moment',
  'closingDay.instruction': 'This machine is closing its day with the bank. Please wait.',
  'suspended.title': 'Out of service',
  'suspended.instruction': 'We are sorry. This machine waits for a technician. Please use another machine.',

  'enteringPin.title': 'Enter your PIN',
  'enteringPin.instruction': 'Cover the keypad with your hand, type your PIN and press Enter.',
  'verifyingPin.title': 'One moment',
  'verifyingPin.instruction': 'We are checking your card with your bank.',
  'choosingService.title': 'What would you like to do?',
  'choosingService.instruction': 'Choose with the keys beside the screen.',
  'askingBalance.title': 'One moment',
  'askingBalance.instruction': 'We are asking your bank for the balance.',
  'showingBalance.title': 'Available balance',
  'showingBalance.instruction': '{account}',
  'showingBalance.account': 'Your account',
  'showingBalance.missing': 'Your balance cannot be shown. Please go back and try again.',
  'choosingAmount.title': 'How much would you like?',
  'choosingAmount.instruction': 'Choose an amount, or type another one on the keypad.',
  'choosingAmount.hint': 'Multiples of {multiple}, up to {most}',
  'choosingAmount.typed': 'Press Enter to continue, or Clear to correct.',
  'amountRefused.title': 'This amount cannot be paid out',
  'amountRefused.near': 'Choose an amount close to it, or type another one.',
  'amountRefused.none': 'Please type another amount.',
  'confirmingFee.title': 'There is a fee',
  'confirmingFee.instruction': 'Accept it to withdraw, or take your card back at no cost.',
  'authorizing.title': 'One moment',
  'authorizing.instruction': 'We are asking your bank. This can no longer be cancelled.',
  'returningCardBeforeCash.title': 'Please take your card',
  'returningCardBeforeCash.instruction': 'Your cash comes as soon as you have taken your card.',
  'dispensing.counting.title': 'Counting your cash',
  'dispensing.counting.instruction': 'Please wait in front of the cash slot.',
  'dispensing.coming.title': 'Your cash is coming',
  'dispensing.coming.instruction': 'Wait until the last note is out, then take them all.',
  'presenting.title': 'Please take your cash',
  'presenting.instruction': 'Take all the notes from the cash slot.',
  'presenting.part': 'Part {part} of {parts}. The next notes follow at once.',
  'presenting.lastPart': 'Part {part} of {parts}, the last one.',
  'retracting.title': 'Your cash was not taken',
  'retracting.instruction': 'The notes are drawn back. Please wait.',
  'rejecting.title': 'One moment',
  'rejecting.instruction': 'The notes could not be handed out and are put away. Please wait.',
  'returningCard.title': 'Please take your card',
  'returningCard.instruction': 'Your card is in the slot.',
  'retainingCard.title': 'Your card stays in the machine',

  'notice.pinWrong.one': 'That PIN was not right. You have 1 try left.',
  'notice.pinWrong.other': 'That PIN was not right. You have {count} tries left.',
  'notice.balanceUnavailable': 'Your bank cannot tell the balance just now.',
  'notice.cannotPay': 'The notes in this machine do not add up to that amount.',

  'ending.goodbye.title': 'Goodbye',
  'ending.goodbye.instruction': 'Nothing was withdrawn. Goodbye.',
  'ending.timedOut.title': 'Your visit has ended',
  'ending.timedOut.instruction': 'We waited and had no answer, so we ended here. Nothing was withdrawn.',
  'ending.paid.title': 'Thank you',
  'ending.paid.instruction': 'Your withdrawal is complete. Goodbye.',
  'ending.paidNow.title': 'Please take your cash',
  'ending.paidNow.instruction': 'Take all the notes from the cash slot. Thank you and goodbye.',
  'ending.partlyPaid.title': 'Only part of your cash was paid',
  'ending.partlyPaid.instruction':
    'You receive {paid} of {asked}. Your account is charged for {paid} only. Keep the reference below.',
  'ending.notPaid.title': 'No cash was paid',
  'ending.notPaid.instruction':
    '{because} Your account is not charged: we tell your bank to release the amount.',
  'ending.beingChecked.title': 'Your withdrawal is being checked',
  'ending.beingChecked.instruction':
    'We do not know yet whether you received all the notes. Take any that you can see. Your bank is told and will check. Keep the reference below.',
  'ending.declined.title': 'Your bank did not approve this',
  'ending.declined.instruction': '{because} Nothing was withdrawn.',
  'ending.bankUnreachable.title': 'Your bank cannot be reached',
  'ending.bankUnreachable.instruction': 'Nothing was withdrawn. Please try again later.',
  'ending.cardUnreadable.title': 'We cannot read this card',
  'ending.cardUnreadable.instruction': 'Check which way round it goes, or try another card.',
  'ending.pinPadFailed.title': 'The keypad does not work',
  'ending.pinPadFailed.instruction': 'We are sorry. Nothing was withdrawn. Please use another machine.',
  'ending.outOfService.title': 'This machine is out of service',
  'ending.outOfService.instruction': 'We are sorry. Please use another machine.',

  'notPaid.customer-cancelled': 'The withdrawal was cancelled.',
  'notPaid.malfunction': 'Something went wrong between this machine and your bank.',
  'notPaid.unable-to-complete': 'The machine could not count out the notes.',
  'notPaid.malfunction-card-retained': 'Your card could not be given back.',
  'notPaid.malfunction-no-cash': 'The machine could not hand out the notes.',
  'notPaid.not-taken': 'The notes were not taken in time and are back inside.',
  'notPaid.card-not-taken': 'Your card was not taken in time.',
  'notPaid.no-answer': 'Your bank did not answer in time.',

  'declined.other': 'It gave the code {code}.',
  'declined.limit': 'The amount is over the limit of your card.',
  'declined.count': 'Your card has been used too often for today.',
  'declined.funds': 'There is not enough money in the account.',
  'declined.expired': 'Your card is out of date.',
  'declined.pinTries': 'A wrong PIN was typed too often.',
  'declined.card': 'It does not know this card.',
  'declined.service': 'Your card is not meant for this service.',
  'declined.bank': 'It cannot answer just now. Please try again later.',

  'card.leftInMouth': 'Your card is still in the slot. Please take it.',
  'card.stuck': 'Your card is stuck in the machine. Please call your bank.',
  'card.pin-tries': 'Your card was kept because a wrong PIN was typed too often. Please call your bank.',
  'card.bank-says-so': 'Your bank asked us to keep your card. Please call your bank.',
  'card.not-taken': 'Your card was not taken in time and is kept safe. Please call your bank.',
  'card.found-at-start': 'A card was left in the machine and is kept safe. Please call your bank.',

  'choice.withdrawal': 'Withdraw cash',
  'choice.balance': 'Show my balance',
  'choice.menu': 'Back to the menu',
  'choice.continue': 'Continue',
  'choice.otherAmount': 'Another amount',
  'choice.acceptFee': 'Accept and continue',
  'choice.cancel': 'Return my card',
  'choice.done': 'Done',

  'figure.amount': 'Cash',
  'figure.fee': 'Fee',
  'figure.total': 'Total charged',
  'figure.asked': 'Asked for',
  'figure.paid': 'Paid out',
  'figure.card': 'Card ending in {digits}',
  'figure.reference': 'Reference',

  'key.enter': 'Enter',
  'key.cancel': 'Cancel',
  'speech.key': 'For {choice}, press {key}.',
  'speech.softKey': 'For {choice}, press the key beside it, key {key}.',
  'speech.typed': 'You have typed {amount}.',
} as const

/** A language: every key of English, in its own words. */
export type Catalogue = Readonly<Record<MessageKey, string>>
export type MessageKey = keyof typeof ENGLISH

/** Languages that the screen speaks, by BCP 47 tag. */
export type Language = 'en'
export const CATALOGUES: Readonly<Record<Language, Catalogue>> = {en: ENGLISH}

/** The names of the places of a message: `account` for `{account}`. */
type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Places<Rest>
  : never

/** What must be filled in for a message; empty for a message without places. */
export type Filling<K extends MessageKey> = Readonly<Record<Places<(typeof ENGLISH)[K]>, string>>
