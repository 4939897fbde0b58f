/**
 * The tables of the embedded store. users, accounts, transactions and atms have the columns that the
 * product's description names and no others; what else is known stands in tables beside them. Money is
 * integer minor units, postings are never changed or deleted.
 */

/** Written to `user_version`; migrations only ever add. */
export const SCHEMA_VERSION = 1

export const SCHEMA = `
CREATE TABLE users (
  user_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  address TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
  account_id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users,
  account_type TEXT NOT NULL CHECK (account_type IN ('checking', 'savings')),
  balance INTEGER NOT NULL CHECK (balance >= 0),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE account_terms (
  account_id TEXT PRIMARY KEY REFERENCES accounts,
  currency TEXT NOT NULL
) STRICT;

CREATE TABLE atms (
  atm_id TEXT PRIMARY KEY,
  location TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive'))
) STRICT;

CREATE TABLE atm_keys (
  atm_id TEXT PRIMARY KEY REFERENCES atms,
  master_key TEXT NOT NULL,
  pin_key TEXT
) STRICT;

CREATE TABLE atm_pins (
  spki_sha256 TEXT PRIMARY KEY,
  atm_id TEXT NOT NULL REFERENCES atms,
  is_revoked INTEGER NOT NULL CHECK (is_revoked IN (0, 1))
) STRICT;

CREATE TABLE transactions (
  transaction_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts,
  atm_id TEXT REFERENCES atms,
  transaction_type TEXT NOT NULL CHECK (transaction_type IN ('withdrawal', 'deposit', 'transfer')),
  amount INTEGER NOT NULL CHECK (amount > 0),
  transaction_date TEXT NOT NULL
) STRICT;

CREATE TABLE cards (
  card_id TEXT PRIMARY KEY,
  pan_hash TEXT NOT NULL UNIQUE,
  pan_shown TEXT NOT NULL,
  expires TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'stolen')),
  pin_verifier TEXT NOT NULL,
  pin_tries INTEGER NOT NULL CHECK (pin_tries >= 0)
) STRICT;

CREATE TABLE card_accounts (
  card_id TEXT NOT NULL REFERENCES cards,
  position INTEGER NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts,
  PRIMARY KEY (card_id, position)
) STRICT;

CREATE TABLE visits (
  atm_id TEXT PRIMARY KEY REFERENCES atms,
  card_id TEXT NOT NULL REFERENCES cards,
  verified_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE verifications (
  operation_key TEXT PRIMARY KEY,
  atm_id TEXT NOT NULL REFERENCES atms,
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE operations (
  operation_key TEXT PRIMARY KEY,
  atm_id TEXT REFERENCES atms,
  state TEXT NOT NULL CHECK (state IN
    ('held', 'completed', 'reversed', 'suspect', 'declined', 'tombstone', 'forced', 'posted')),
  fingerprint TEXT,
  account_id TEXT REFERENCES accounts,
  currency TEXT,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  fee INTEGER NOT NULL CHECK (fee >= 0),
  paid INTEGER NOT NULL CHECK (paid >= 0),
  paid_at_most INTEGER NOT NULL CHECK (paid_at_most >= paid),
  paid_fee INTEGER NOT NULL CHECK (paid_fee >= 0),
  transaction_id TEXT UNIQUE,
  answer TEXT,
  evidence TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX operations_open ON operations (state) WHERE state IN ('held', 'suspect');
CREATE INDEX operations_by_change ON operations (changed_at_ms DESC);

CREATE TABLE entries (
  entry_id INTEGER PRIMARY KEY,
  operation_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  currency TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE postings (
  entry_id INTEGER NOT NULL REFERENCES entries,
  leg INTEGER NOT NULL,
  ledger_account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (entry_id, leg)
) STRICT;
CREATE INDEX postings_by_account ON postings (ledger_account);

CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER postings_stay BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END;
CREATE TRIGGER postings_remain BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never deleted'); END;
CREATE TRIGGER operations_remain BEFORE DELETE ON operations BEGIN SELECT RAISE(ABORT, 'operations are kept for ever'); END;
`
