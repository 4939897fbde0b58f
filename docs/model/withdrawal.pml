/* One withdrawal between an ATM with a durable journal, a dispenser that can lose its answer, its memory or its power in
 * mid-motion, a customer with quick fingers, and a bank, over a link that may lose, repeat, delay and reorder every
 * message, with the power going at any step, again during recovery. Included are the tables that the program runs:
 * tables.pml is written from its code.
 *
 * Everything that survives a cut is in the journal's records (J, earlier, stacked, least, most), the bank's (h, hLeast,
 * hMost) and the paper (stack, mouth, bin, out). A message, once sent, may be delivered at any later time, up to COPIES
 * times: that covers loss and retry, repeats, delay and order. "Ink" is one assignment to the journal's records.
 *
 * Safety is asserted where things happen; the ending by the auditor, and by spin where nothing can happen any more.
 * Options, each a -D:
 *   STACKER        notes are gathered, presented, and rejected or drawn back; without it dispensing is paying out
 *   RECALL         the dispenser can tell what it did under its last order, and its sensors answer
 *   BUNCHES=n      bunches of an operation (1)          NOTES=n   notes of a bunch (2)
 *   MAX_CUT=n      power cuts (2)                       COPIES=n  deliveries of each message (2)
 *   ENDS           the property that it always comes to an end, for a run with fairness
 * Planted mistakes are BUG_ and a name of test/model/check.ts, which says by which assertion each must be found.
 */
#ifndef BUNCHES
#define BUNCHES 1
#endif
#ifndef NOTES
#define NOTES 2
#endif
#ifndef MAX_CUT
#define MAX_CUT 2
#endif
#ifndef COPIES
#define COPIES 2
#endif
#define ASKED (BUNCHES * NOTES)

#include "tables.pml"

mtype = { j_none, j_declined, j_settled };
mtype = { d_rest, d_dispensing, d_presenting, d_waiting, d_retracting, d_rejecting };
mtype = { a_nothing, a_dispensed, a_refused, a_taken, a_left, a_notPresented, a_retracted, a_rejected };

mtype J = j_none;              /* the journal: its open order, or how it stands with nothing open */
byte earlier = 0;              /* notes that earlier bunches gave to the customer */
byte bunch = 0;                /* the bunch of the last dispense order */
byte stacked = 0;              /* counted into the stacker, by the answer in ink */
byte least = 0, most = 0;      /* what the advice says left */

mtype h = h_none;              /* the bank's record under this operation's key */
byte hLeast = 0, hMost = 0;

mtype D = d_rest;              /* the dispenser, and where the notes of this operation are */
byte stack = 0, mouth = 0, bin = 0, out = 0;
byte movedBunches = 0;         /* a bit for each bunch whose order was carried out */
byte ordered = 0;              /* the bunch of the order at the dispenser */
mtype memory = recall_notRemembered;
byte memoryGave = 0;
mtype said = a_nothing;        /* an answer on the wire that can still be read */
byte saidCount = 0;

bool sentRequest, sentComplete, sentReverse, sentSuspect;     /* ATM -> bank, deliverable for ever */
byte sentLeast, sentMost;
byte gotRequest, gotComplete, gotReverse, gotSuspect;         /* deliveries so far */
bool replyApproved, replyDeclined, acknowledged;              /* bank -> ATM, deliverable for ever */
byte orphans = 0;              /* holds under a key that nobody names any more */
byte cuts = 0;
bool cut = false;              /* the ATM's power goes, now */

#define reach (out + mouth)    /* with the customer, or within reach */

/* The bank: its answers are the tables of the code. */
active proctype Bank() {
  bool isTaken, isSame, isApproved, isDeclined;
end:
  do
  :: atomic { sentRequest && gotRequest < COPIES -> gotRequest++;
       requestTable();
       if :: isApproved -> replyApproved = true :: else -> replyDeclined = true fi;
       isApproved = false; isDeclined = false }
  :: atomic { sentComplete && gotComplete < COPIES -> gotComplete++;
       isSame = (hLeast == sentLeast && hMost == sentMost);
       completeTable();
       assert(isTaken /* no completion is refused */);
       assert(h != h_forced /* nothing is paid that was never approved */);
#ifdef BUG_COUNT_TWICE
       hLeast = hLeast + sentLeast; hMost = hMost + sentMost; isSame = false
#else
       hLeast = sentLeast; hMost = sentMost; isSame = false
#endif
       ; isTaken = false; acknowledged = true }
  :: atomic { sentReverse && gotReverse < COPIES -> gotReverse++;
       isSame = true;
#ifdef BUG_NO_TOMBSTONE
       if :: h == h_none -> isTaken = true :: else -> reverseTable() fi;
#else
       reverseTable();
#endif
       assert(isTaken /* no reversal is refused */);
       isSame = false; isTaken = false; acknowledged = true }
  :: atomic { sentSuspect && gotSuspect < COPIES -> gotSuspect++;
       isSame = (hLeast == sentLeast && hMost == sentMost);
       suspectTable();
#ifdef BUG_SUSPECT_RELEASES_HOLD
       if :: h == h_suspect -> h = h_reversed :: else fi;
#endif
       assert(isTaken /* no suspicion is refused */);
       hLeast = sentLeast; hMost = sentMost; isSame = false; isTaken = false; acknowledged = true }
#ifdef BUG_ASYNC_STANDBY
  :: atomic { h == h_held -> h = h_none }                     /* failover to a standby that had not heard */
#endif
#ifdef BUG_HOLD_EXPIRES
  :: atomic { h == h_held -> h = h_reversed }
#endif
  od
}

inline say(what, count) { if :: said = what; saidCount = count :: skip fi }   /* an answer may be lost */

inline give(count) {
#ifdef STACKER
  stack = stack + count
#else
  out = out + count
#endif
}

inline some(count, all) {      /* none, one or all of them */
  if :: count = 0 :: count = all :: all > 1 -> count = 1 fi
}

inline moved() {
  assert(h == h_held || h == h_suspect /* no note moves unless the bank holds the money for it */);
  assert((movedBunches & (1 << ordered)) == 0 /* each bunch moves once */);
  movedBunches = movedBunches | (1 << ordered)
}

/* The dispenser: an order that it took is carried out even if the ATM's computer dies meanwhile. */
active proctype Dispenser() {
  byte count;
end:
  do
  :: atomic { D == d_dispensing ->
       if
       :: memory = recall_movedNothing; say(a_refused, 0)
       :: moved(); some(count, NOTES); give(count);
          memory = recall_moved; memoryGave = count; say(a_dispensed, count)
       fi;
       count = 0; D = d_rest }
  :: atomic { D == d_presenting ->
       if
       :: say(a_notPresented, 0); D = d_rest                  /* the shutter stays shut */
       :: mouth = mouth + stack; stack = 0; D = d_waiting
       fi }
  :: atomic { D == d_waiting && mouth == 0 -> say(a_taken, 0); D = d_rest }
  :: atomic { D == d_waiting && mouth > 0 -> say(a_left, 0); D = d_rest }     /* time is up */
  :: atomic { D == d_retracting -> bin = bin + mouth; say(a_retracted, mouth); mouth = 0; D = d_rest }
  :: atomic { D == d_rejecting -> bin = bin + stack; say(a_rejected, stack); stack = 0; D = d_rest }
  od
}

/* Takes what is within reach, note by note, or leaves it. */
active proctype Customer() {
end:
  do
  :: atomic { mouth > 0 -> mouth--; out++ }
  od
}

/* Stopped in mid-motion, memory gone. */
inline dispenserDies() {
  if
  :: D == d_dispensing -> if :: skip :: moved(); some(part, NOTES); give(part) fi
  :: D == d_presenting -> if :: skip :: mouth = mouth + stack; stack = 0 fi
  :: D == d_retracting -> some(part, mouth); mouth = mouth - part; bin = bin + part
  :: D == d_rejecting -> some(part, stack); stack = stack - part; bin = bin + part
  :: else
  fi;
  part = 0; D = d_rest; said = a_nothing; saidCount = 0; memory = recall_notRemembered; memoryGave = 0
}

active proctype Power() {
  byte part;
end:
  do
  :: atomic { cuts < MAX_CUT && !cut -> cuts++;
       if
       :: cut = true                                          /* the dispenser keeps its power and goes on */
       :: cut = true; dispenserDies()
       :: dispenserDies()                                     /* the ATM keeps its own */
       fi }
  od
}

/* Ink and hands: the order in the journal, then at the dispenser, where it may never arrive. */
inline order(record, motion) {
#ifdef BUG_ACT_BEFORE_INK
  atomic { said = a_nothing; saidCount = 0; D = motion };
  J = record;
#else
  J = record;
  atomic { said = a_nothing; saidCount = 0; if :: D = motion :: skip fi };
#endif
  (D == d_rest)                                               /* our deadline is longer than any motion */
}

/* A dispense order is announced first, so that what is remembered can be tied to it. */
inline announce() {
#ifdef RECALL
  atomic { memory = recall_movedNothing; memoryGave = 0; ordered = bunch };
#else
  ordered = bunch;
#endif
}

/* What recovery finds. A dispenser may not answer at all. */
inline find() {
  d_step {
    f_open = J;
    if
    :: J == open_host_authorize -> f_bank = bank_noAnswer
    :: J == open_host_complete || J == open_host_reverse || J == open_host_suspect -> f_bank = bank_nothingUnderWay
    :: else -> f_bank = bank_approved
    fi;
    f_recall = recall_notRemembered; f_path = path_unknown; f_media = media_unknown;
    f_stacker = stacker_unknown; f_shutter = shutter_unknown
  };
#ifdef RECALL
  if
  :: atomic {
#ifndef BUG_RECALL_WHILE_BUSY
       D == d_rest ->                                         /* ask only a device that has come to rest */
#else
       true ->
#endif
#ifndef BUG_MEMORY_OF_ANOTHER
       if :: ordered == bunch -> f_recall = memory; gave = memoryGave :: else fi;   /* only of this very order */
#else
       f_recall = memory; gave = memoryGave;
#endif
       if :: mouth > 0 -> f_path = path_blocked; f_media = media_atMouth :: else -> f_path = path_clear; f_media = media_none fi;
#ifdef STACKER
       if :: stack > 0 -> f_stacker = stacker_notEmpty :: else -> f_stacker = stacker_empty fi;
       if :: mouth > 0 -> f_shutter = shutter_open :: else -> f_shutter = shutter_closed fi
#else
       f_stacker = stacker_notSupported; f_shutter = shutter_notSupported
#endif
     }
  :: skip
  fi;
#endif
  d_step {
    recoveryTable();
    f_open = 0; f_bank = 0; f_recall = 0; f_path = 0; f_media = 0; f_stacker = 0; f_shutter = 0
  }
}

/* This bunch is with the customer; when it was not the last, the rest never was ordered. */
inline paidBunch() {
  if
  :: bunch + 1 == BUNCHES -> evidence = e_taken
  :: else -> more = NOTES; evidence = e_notMoved
  fi
}

inline counted(answer, all, fewer, unknown, wanted) {
  if
  :: said == answer && saidCount == wanted -> evidence = all
  :: said == answer && saidCount != wanted -> evidence = fewer
  :: else -> evidence = unknown
  fi
}

/* The ATM's program from start-up to the end of the operation; what it holds outside the journal is lost at a cut. */
active proctype Atm() {
  mtype f_open, f_bank, f_recall, f_path, f_media, f_stacker, f_shutter;
  mtype remedy, evidence, verdict;
  byte gave, more;
boot:
  {
  d_step { remedy = 0; evidence = 0; verdict = 0; gave = 0; more = 0;
    f_open = 0; f_bank = 0; f_recall = 0; f_path = 0; f_media = 0; f_stacker = 0; f_shutter = 0 };
  if
  :: J == j_none -> goto ask
  :: J == j_declined || J == j_settled -> goto done
  :: else
  fi;

#ifdef BUG_NEW_KEY_AFTER_RESTART
  if
  :: J == open_host_authorize || J == open_reader_eject ->    /* a new key: the old hold is orphaned */
     atomic { if :: h == h_held -> h = h_none; orphans++ :: else fi; replyApproved = false; J = j_none; goto ask }
  :: else
  fi;
#endif
  find();
#ifdef BUG_REVERSE_AFTER_INTENT
  if :: J == open_dispenser_dispense -> remedy = do_reverseNotMoved :: else fi;
#endif
#ifdef BUG_FORGOT_IS_NOTHING
  if :: J == open_dispenser_dispense && remedy == do_answerLost -> remedy = do_reverseNotMoved :: else fi;
#endif
#ifdef BUG_UNSURE_IS_TAKEN
  if :: remedy == do_presentUnknown -> remedy = do_takenAsPresented :: else fi;
#endif
#ifdef BUG_UNSURE_IS_STACKED
  if :: remedy == do_presentUnknown -> evidence = e_rejectedAll; goto conclude :: else fi;
#endif
#ifdef BUG_DISPENSE_AGAIN
  if :: remedy == do_answerLost -> goto dispense :: else fi;
#endif
  if
  :: remedy == do_tellAgain -> goto tell
  :: remedy == do_reverseUnanswered || remedy == do_reverseNotOrdered || remedy == do_reverseNotMoved ->
     evidence = e_notMoved; goto conclude
  :: remedy == do_asRecalled ->
#ifdef STACKER
     atomic { stacked = gave }; goto reject
#else
     goto sprayedLast
#endif
  :: remedy == do_answerLost -> evidence = e_answerLost; goto conclude
  :: remedy == do_takenAsPresented -> atomic { paidBunch() }; goto conclude
  :: remedy == do_leftBehind -> goto retract
  :: remedy == do_stillStacked -> goto reject
  :: remedy == do_presentUnknown -> evidence = e_presentUnknown; goto conclude
  :: remedy == do_retractUnknown -> evidence = e_retractUnknown; goto conclude
  :: remedy == do_rejectUnknown -> evidence = e_rejectUnknown; goto conclude
  fi;

ask:
  J = open_host_authorize;                                    /* ink */
  sentRequest = true;                                         /* hands */
  if
  :: replyApproved -> J = open_reader_eject
  :: replyDeclined -> J = j_declined; goto done
  :: evidence = e_notMoved; goto conclude                     /* our deadline passed */
  fi;
  if :: skip :: evidence = e_notMoved; goto conclude fi;      /* the card may be left */

dispense:
#ifdef BUG_ACT_BEFORE_INK
  ordered = bunch;
  order(open_dispenser_dispense, d_dispensing);
#else
  J = open_dispenser_dispense;
  announce();
  order(open_dispenser_dispense, d_dispensing);
#endif
#ifdef BUG_RESEND_ON_SILENCE
  if :: said == a_nothing -> order(open_dispenser_dispense, d_dispensing) :: else fi;
#endif
#ifdef BUG_REVERSE_ON_CARD_JAM
  if :: evidence = e_notMoved; goto conclude :: skip fi;      /* the card reader reports a jam: no news of notes */
#endif
  atomic {
    if
    :: said == a_dispensed -> gave = saidCount
    :: said == a_refused -> evidence = e_notMoved
    :: said == a_nothing ->
#ifdef BUG_REVERSE_UNKNOWN
       evidence = e_notMoved
#else
#ifdef RECALL
       if
       :: memory == recall_moved -> gave = memoryGave
       :: memory == recall_movedNothing -> evidence = e_notMoved
       :: memory == recall_notRemembered -> evidence = e_answerLost
       fi
#else
       evidence = e_answerLost
#endif
#endif
    fi
  };
#ifdef BUG_COUNT_REQUESTED
  gave = NOTES;
#endif
  if :: evidence != 0 -> goto conclude :: else fi;
#ifdef STACKER
  atomic { stacked = gave };
  if :: gave < NOTES -> goto reject :: else fi;
  order(open_dispenser_present, d_presenting);
  if
  :: said == a_taken -> goto paid
  :: said == a_left -> goto retract
  :: said == a_notPresented -> goto reject
  :: else -> evidence = e_presentUnknown; goto conclude
  fi;
#else
  if :: gave == NOTES -> goto paid :: else -> goto sprayedLast fi;
#endif

paid:
  if
  :: bunch + 1 == BUNCHES -> evidence = e_taken; goto conclude
  :: else -> atomic {                                         /* the answer and the next order in one ink */
#ifndef BUG_FORGET_EARLIER_BUNCH
       earlier = earlier + NOTES;
#endif
       bunch++; gave = 0; J = open_dispenser_dispense; goto dispense }
  fi;

sprayedLast:
  atomic {
    if
    :: gave == NOTES -> paidBunch()
    :: gave == 0 -> evidence = e_sprayedNone
    :: else -> evidence = e_sprayedSome
    fi
  };
  goto conclude;

retract:
  order(open_dispenser_retract, d_retracting);
#ifdef BUG_RETRACT_UNCOUNTED
  if :: said == a_retracted -> evidence = e_retractedAll :: else -> evidence = e_retractUnknown fi;
#else
  atomic { counted(a_retracted, e_retractedAll, e_retractedFewer, e_retractUnknown, NOTES) };
#endif
  goto conclude;

reject:
  order(open_dispenser_reject, d_rejecting);
  atomic { counted(a_rejected, e_rejectedAll, e_rejectedFewer, e_rejectUnknown, stacked) };

conclude:
  /* Evidence and advice in one ink. */
  atomic {
    earlier = earlier + more;
    moneyTable();
    if
    :: verdict == v_complete -> J = open_host_complete
    :: verdict == v_reverse ->
       assert(reach == 0 /* nothing is reversed while a note is out or within reach */);
       J = open_host_reverse
    :: verdict == v_suspect -> J = open_host_suspect
    fi;
    remedy = 0; evidence = 0; verdict = 0; gave = 0; more = 0
  };

tell:
  /* Until it acknowledges; never give up, never change the story. */
  atomic {
    sentLeast = least; sentMost = most;
    if
    :: J == open_host_complete -> sentComplete = true
    :: J == open_host_reverse -> sentReverse = true
    :: J == open_host_suspect -> sentSuspect = true
    fi
  };
#ifdef BUG_LATE_APPROVAL
  if :: J == open_host_reverse && bunch == 0 && movedBunches == 0 && replyApproved -> J = open_reader_eject; goto dispense :: true fi;
#endif
#ifdef BUG_DROP_ADVICE
  if
  :: (acknowledged)
  :: atomic { !acknowledged -> sentComplete = false; sentReverse = false; sentSuspect = false }   /* too old, too often */
  fi;
#else
  (acknowledged);
#endif
  J = j_settled;
done:
  skip
  } unless { cut -> cut = false; goto boot }
}

/* The ending: when the ATM is done and the device at rest, the three ledgers agree or the difference is one named suspect. */
active proctype Auditor() {
end:
  do
  :: atomic { (J == j_settled || J == j_declined) && D == d_rest && !cut ->
       assert((h != h_completed || hLeast == reach) /* what was completed is what left */);
       assert(((h != h_reversed && h != h_tombstone && h != h_declined) || reach == 0) /* what was reversed never left */);
       assert((h != h_suspect || (hLeast <= reach && reach <= hMost)) /* a suspect is within its bounds */);
       assert((h != h_held && h != h_none && h != h_forced) /* every operation ends */);
       assert(orphans == 0 /* no hold is forgotten */);
       assert(stack + mouth + bin + out <= ASKED /* no more notes than were approved */);
       break }
  od
}

#ifdef ENDS
ltl ends { <> (J == j_settled || J == j_declined) }
#endif
