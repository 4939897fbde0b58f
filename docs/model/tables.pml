/* Written by `npm run model -- --write` from fsm/recovery.ts, fsm/decide.ts and host/ledger/operation.ts. Do not edit it. */

mtype = { open_reader_eject, open_reader_retain, open_pinPad_collect, open_host_verify, open_host_balance, open_pinPad_collectNew, open_host_statement, open_host_changePin, open_host_payee, open_host_transfer, open_host_completeTransfer, open_host_reverseTransfer, open_host_authorize, open_dispenser_dispense, open_dispenser_present, open_dispenser_retract, open_dispenser_reject, open_printer_print, open_host_complete, open_host_reverse, open_host_suspect, open_host_cutOver, open_operator_reset, open_operator_test };
mtype = { bank_nothingUnderWay, bank_noAnswer, bank_approved };
mtype = { recall_moved, recall_movedNothing, recall_notRemembered };
mtype = { path_clear, path_blocked, path_unknown };
mtype = { media_none, media_atMouth, media_unknown };
mtype = { stacker_empty, stacker_notEmpty, stacker_unknown, stacker_notSupported };
mtype = { shutter_closed, shutter_open, shutter_unknown, shutter_notSupported };
mtype = { do_forget, do_tellAgain, do_reverseUnanswered, do_reverseTransfer, do_reverseNotOrdered, do_reverseNotMoved, do_asRecalled, do_answerLost, do_takenAsPresented, do_leftBehind, do_stillStacked, do_presentUnknown, do_retractUnknown, do_rejectUnknown };
mtype = { e_notMoved, e_taken, e_leftInPlace, e_rejectedAll, e_rejectedFewer, e_rejectUnknown, e_presentUnknown, e_retractedAll, e_retractedFewer, e_retractUnknown, e_sprayedNone, e_sprayedSome, e_answerLost };
mtype = { v_complete, v_reverse, v_suspect };
mtype = { h_none, h_held, h_completed, h_reversed, h_suspect, h_declined, h_tombstone, h_forced, h_posted };

/* From what was found (f_*), what to do; a case that cannot be is a mistake of the program. */
inline recoveryTable() {
  if
  :: (f_open == open_reader_eject || f_open == open_reader_retain || f_open == open_pinPad_collect || f_open == open_host_verify || f_open == open_host_balance || f_open == open_pinPad_collectNew || f_open == open_host_statement || f_open == open_host_changePin || f_open == open_host_payee || f_open == open_printer_print || f_open == open_host_cutOver || f_open == open_operator_reset || f_open == open_operator_test) && (f_bank == bank_nothingUnderWay) -> remedy = do_forget  /* nothing-owed */
  :: (f_open == open_host_completeTransfer || f_open == open_host_reverseTransfer || f_open == open_host_complete || f_open == open_host_reverse || f_open == open_host_suspect) && (f_bank == bank_nothingUnderWay) -> remedy = do_tellAgain  /* bank-not-told */
  :: (f_open == open_host_authorize) && (f_bank == bank_noAnswer) -> remedy = do_reverseUnanswered  /* asked-without-answer */
  :: (f_open == open_host_transfer) && (f_bank == bank_noAnswer) -> remedy = do_reverseTransfer  /* transfer-without-answer */
  :: (f_open == open_reader_eject) && (f_bank == bank_approved) -> remedy = do_reverseNotOrdered  /* approved-not-ordered */
  :: (f_open == open_dispenser_dispense) && (f_bank == bank_approved) && (f_recall == recall_movedNothing) && (f_path == path_clear || f_path == path_unknown) && (f_stacker == stacker_empty || f_stacker == stacker_unknown || f_stacker == stacker_notSupported) -> remedy = do_reverseNotMoved  /* dispense-proved-not-moved */
  :: (f_open == open_dispenser_dispense) && (f_bank == bank_approved) && (f_recall == recall_movedNothing) && (f_path == path_clear || f_path == path_unknown) && (f_stacker == stacker_notEmpty) -> remedy = do_answerLost  /* dispense-contradicted */
  :: (f_open == open_dispenser_dispense) && (f_bank == bank_approved) && (f_recall == recall_movedNothing) && (f_path == path_blocked) -> remedy = do_answerLost  /* dispense-contradicted */
  :: (f_open == open_dispenser_dispense) && (f_bank == bank_approved) && (f_recall == recall_moved) -> remedy = do_asRecalled  /* dispense-recalled */
  :: (f_open == open_dispenser_dispense) && (f_bank == bank_approved) && (f_recall == recall_notRemembered) -> remedy = do_answerLost  /* dispense-forgotten */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_none) && (f_stacker == stacker_empty) -> remedy = do_takenAsPresented  /* presented-and-gone */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_media == media_atMouth) && (f_stacker == stacker_empty) && (f_shutter == shutter_open || f_shutter == shutter_unknown || f_shutter == shutter_notSupported) -> remedy = do_leftBehind  /* presented-and-there */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_media == media_none) && (f_stacker == stacker_notEmpty) && (f_shutter == shutter_closed) -> remedy = do_stillStacked  /* stacked-behind-the-shutter */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_none) && (f_stacker == stacker_notEmpty) && (f_shutter == shutter_open || f_shutter == shutter_unknown || f_shutter == shutter_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_none) && (f_stacker == stacker_unknown || f_stacker == stacker_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_atMouth) && (f_stacker == stacker_empty) && (f_shutter == shutter_closed) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_atMouth) && (f_stacker == stacker_notEmpty || f_stacker == stacker_unknown || f_stacker == stacker_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_clear) && (f_media == media_unknown) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_blocked || f_path == path_unknown) && (f_media == media_none) && (f_stacker == stacker_empty || f_stacker == stacker_unknown || f_stacker == stacker_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_blocked || f_path == path_unknown) && (f_media == media_none) && (f_stacker == stacker_notEmpty) && (f_shutter == shutter_open || f_shutter == shutter_unknown || f_shutter == shutter_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_blocked || f_path == path_unknown) && (f_media == media_atMouth) && (f_stacker == stacker_empty) && (f_shutter == shutter_closed) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_blocked || f_path == path_unknown) && (f_media == media_atMouth) && (f_stacker == stacker_notEmpty || f_stacker == stacker_unknown || f_stacker == stacker_notSupported) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_moved) && (f_path == path_blocked || f_path == path_unknown) && (f_media == media_unknown) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_present) && (f_bank == bank_approved) && (f_recall == recall_movedNothing || f_recall == recall_notRemembered) -> remedy = do_presentUnknown  /* presented-and-unsure */
  :: (f_open == open_dispenser_retract) && (f_bank == bank_approved) -> remedy = do_retractUnknown  /* retract-open */
  :: (f_open == open_dispenser_reject) && (f_bank == bank_approved) -> remedy = do_rejectUnknown  /* reject-open */
  :: else -> assert(false /* a case that cannot be */)
  fi
}

/* From evidence, what the bank is told: paid `least` to `most` notes. `earlier` bunches gave so many, this one `gave`. */
inline moneyTable() {
  if
  :: evidence == e_notMoved && earlier == 0 -> verdict = v_reverse; least = 0; most = 0  /* not-moved */
  :: evidence == e_notMoved && earlier > 0 -> verdict = v_complete; least = earlier; most = earlier  /* not-moved-after-earlier-bunch */
  :: evidence == e_taken && earlier == 0 -> verdict = v_complete; least = ASKED; most = ASKED  /* taken */
  :: evidence == e_taken && earlier > 0 -> verdict = v_complete; least = ASKED; most = ASKED  /* taken */
  :: evidence == e_leftInPlace && earlier == 0 -> verdict = v_complete; least = earlier + NOTES; most = earlier + NOTES  /* left-in-place */
  :: evidence == e_leftInPlace && earlier > 0 -> verdict = v_complete; least = earlier + NOTES; most = earlier + NOTES  /* left-in-place */
  :: evidence == e_rejectedAll && earlier == 0 -> verdict = v_reverse; least = 0; most = 0  /* rejected-counted */
  :: evidence == e_rejectedAll && earlier > 0 -> verdict = v_complete; least = earlier; most = earlier  /* rejected-counted-after-earlier-bunch */
  :: evidence == e_rejectedFewer && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* rejected-not-counted */
  :: evidence == e_rejectedFewer && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* rejected-not-counted */
  :: evidence == e_rejectUnknown && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* reject-unknown */
  :: evidence == e_rejectUnknown && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* reject-unknown */
  :: evidence == e_presentUnknown && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* present-unknown */
  :: evidence == e_presentUnknown && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* present-unknown */
  :: evidence == e_retractedAll && earlier == 0 -> verdict = v_reverse; least = 0; most = 0  /* retracted-counted */
  :: evidence == e_retractedAll && earlier > 0 -> verdict = v_complete; least = earlier; most = earlier  /* retracted-counted-after-earlier-bunch */
  :: evidence == e_retractedFewer && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* retracted-some-taken */
  :: evidence == e_retractedFewer && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* retracted-some-taken */
  :: evidence == e_retractUnknown && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* retract-unknown */
  :: evidence == e_retractUnknown && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* retract-unknown */
  :: evidence == e_sprayedNone && earlier == 0 -> verdict = v_reverse; least = 0; most = 0  /* sprayed-none-rest-inside */
  :: evidence == e_sprayedNone && earlier > 0 -> verdict = v_complete; least = earlier; most = earlier  /* sprayed-some-rest-inside */
  :: evidence == e_sprayedSome && earlier == 0 -> verdict = v_complete; least = earlier + gave; most = earlier + gave  /* sprayed-some-rest-inside */
  :: evidence == e_sprayedSome && earlier > 0 -> verdict = v_complete; least = earlier + gave; most = earlier + gave  /* sprayed-some-rest-inside */
  :: evidence == e_answerLost && earlier == 0 -> verdict = v_suspect; least = 0; most = earlier + NOTES  /* answer-lost-path-not-clear */
  :: evidence == e_answerLost && earlier > 0 -> verdict = v_suspect; least = earlier; most = earlier + NOTES  /* answer-lost-path-not-clear */
  fi
}

/* A request under a key in state `h`: a new one is the bank’s to decide. */
inline requestTable() {
  if
  :: h == h_none -> if :: h = h_held; isApproved = true :: h = h_declined; isDeclined = true fi
  :: h == h_held -> isApproved = true
  :: h == h_completed -> isDeclined = true
  :: h == h_reversed -> isDeclined = true
  :: h == h_suspect -> isDeclined = true
  :: h == h_declined -> isDeclined = true
  :: h == h_tombstone -> isDeclined = true
  :: h == h_forced -> isDeclined = true
  :: h == h_posted -> isApproved = true
  fi
}

/* complete: into state `h`; `isSame` when it tells the amounts that are on record. */
inline completeTable() {
  if
  :: h == h_none -> h = h_forced; isTaken = true
  :: h == h_held -> h = h_completed; isTaken = true
  :: h == h_completed && isSame -> isTaken = true
  :: h == h_completed && !isSame -> isTaken = false
  :: h == h_reversed -> isTaken = false
  :: h == h_suspect -> isTaken = false
  :: h == h_declined -> isTaken = false
  :: h == h_tombstone -> isTaken = false
  :: h == h_forced && isSame -> isTaken = true
  :: h == h_forced && !isSame -> isTaken = false
  :: h == h_posted -> isTaken = false
  fi
}
/* reverse: into state `h`; `isSame` when it tells the amounts that are on record. */
inline reverseTable() {
  if
  :: h == h_none -> h = h_tombstone; isTaken = true
  :: h == h_held -> h = h_reversed; isTaken = true
  :: h == h_completed -> isTaken = false
  :: h == h_reversed -> isTaken = true
  :: h == h_suspect -> isTaken = false
  :: h == h_declined -> isTaken = true
  :: h == h_tombstone -> isTaken = true
  :: h == h_forced -> isTaken = false
  :: h == h_posted -> isTaken = false
  fi
}
/* suspect: into state `h`; `isSame` when it tells the amounts that are on record. */
inline suspectTable() {
  if
  :: h == h_none -> h = h_suspect; isTaken = true
  :: h == h_held -> h = h_suspect; isTaken = true
  :: h == h_completed -> isTaken = false
  :: h == h_reversed -> isTaken = false
  :: h == h_suspect && isSame -> isTaken = true
  :: h == h_suspect && !isSame -> isTaken = false
  :: h == h_declined -> isTaken = false
  :: h == h_tombstone -> isTaken = false
  :: h == h_forced -> isTaken = false
  :: h == h_posted -> isTaken = false
  fi
}
