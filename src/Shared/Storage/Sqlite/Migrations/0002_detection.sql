-- Detectors that learn (docs/detection.md). Rows scored by the z-score alone pay nothing: columns at the end of a row that are NULL take no room.

-- Name and version of the detector that decided, where it is one that learns; what it said, from which the sentence about the row is made; what the row adds
-- to the states of its user at present; what it added before a verdict on it; and what the shadow detectors said, as the API's JSON object.
ALTER TABLE anomaly_transactions ADD COLUMN detector TEXT;
ALTER TABLE anomaly_transactions ADD COLUMN judgement BLOB;
ALTER TABLE anomaly_transactions ADD COLUMN contribution BLOB;
ALTER TABLE anomaly_transactions ADD COLUMN original_contribution BLOB;
ALTER TABLE anomaly_transactions ADD COLUMN shadow TEXT;

-- What is known of a user over all categories. Every change of any state of the user, or of what one of the user's rows contributes, changes the version.
-- The carried part is that of rows which retention removed.
CREATE TABLE detection_users (
    user_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    carried BLOB
);

-- What is known of a user's amounts in a category, refunds apart.
CREATE TABLE detection_states (
    user_id INTEGER NOT NULL,
    category_id INTEGER NOT NULL,
    is_refund INTEGER NOT NULL,
    state BLOB NOT NULL,
    carried BLOB,
    PRIMARY KEY (user_id, category_id, is_refund)
) WITHOUT ROWID;

-- What is known of all users together, made anew now and then from the states and the rows: the newest model is the one that holds.
CREATE TABLE detection_models (
    version INTEGER PRIMARY KEY,
    began_at TEXT NOT NULL,
    as_of TEXT NOT NULL,
    made_at TEXT NOT NULL,
    rarely REAL NOT NULL,
    normal REAL NOT NULL,
    often REAL NOT NULL
);

-- Priors of the newest model by category; category 0 is every other one. Verdicts are counts by the size of amounts.
CREATE TABLE detection_categories (
    category_id INTEGER NOT NULL,
    is_refund INTEGER NOT NULL,
    prior BLOB NOT NULL,
    verdicts BLOB,
    PRIMARY KEY (category_id, is_refund)
) WITHOUT ROWID;
