-- Detectors that learn (docs/detection.md). Rows scored by the z-score alone have NULL in these columns, which takes no room beyond a bit.

-- Name and version of the detector that decided, where it is one that learns.
ALTER TABLE anomaly_transactions ADD detector VARCHAR(32) NULL;
-- What it said, from which the sentence about the row is made.
ALTER TABLE anomaly_transactions ADD judgement VARBINARY(400) NULL;
-- What the row adds to the states of its user at present, and what it added before a verdict on it.
ALTER TABLE anomaly_transactions ADD contribution VARBINARY(100) NULL;
ALTER TABLE anomaly_transactions ADD original_contribution VARBINARY(100) NULL;
-- What the shadow detectors said, as the API's JSON object.
ALTER TABLE anomaly_transactions ADD shadow NVARCHAR(400) NULL;
GO

-- What is known of a user over all categories. Every change of any state of the user, or of what one of the user's rows contributes, changes the version, and
-- every writer takes the lock of this row before any lock of results. The carried part is that of rows which retention removed.
CREATE TABLE detection_users (
    user_id BIGINT NOT NULL CONSTRAINT detection_users_pk PRIMARY KEY,
    version BIGINT NOT NULL,
    state VARBINARY(200) NOT NULL,
    carried VARBINARY(200) NULL
);

-- What is known of a user's amounts in a category, refunds apart.
CREATE TABLE detection_states (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    is_refund BIT NOT NULL,
    state VARBINARY(400) NOT NULL,
    carried VARBINARY(400) NULL,
    CONSTRAINT detection_states_pk PRIMARY KEY (user_id, category_id, is_refund)
);

-- What is known of all users together, made anew now and then from the states and the rows: the newest model is the one that holds.
CREATE TABLE detection_models (
    version INT NOT NULL CONSTRAINT detection_models_pk PRIMARY KEY,
    began_at DATETIME2(6) NOT NULL,
    as_of DATETIME2(6) NOT NULL,
    made_at DATETIME2(6) NOT NULL,
    rarely FLOAT NOT NULL,
    normal FLOAT NOT NULL,
    often FLOAT NOT NULL
);

-- Priors of the newest model by category; category 0 is every other one. Verdicts are counts by the size of amounts.
CREATE TABLE detection_categories (
    category_id BIGINT NOT NULL,
    is_refund BIT NOT NULL,
    prior VARBINARY(MAX) NOT NULL,
    verdicts VARBINARY(MAX) NULL,
    CONSTRAINT detection_categories_pk PRIMARY KEY (category_id, is_refund)
);
GO

ALTER TABLE detection_users SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE detection_states SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE detection_models SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE detection_categories SET (LOCK_ESCALATION = DISABLE);
GO

-- What a program hands over in one round trip, beside finance_results.

CREATE TYPE finance_users AS TABLE (
    user_id BIGINT NOT NULL PRIMARY KEY
);

CREATE TYPE finance_state_keys AS TABLE (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    is_refund BIT NOT NULL,
    PRIMARY KEY (user_id, category_id, is_refund)
);

CREATE TYPE finance_user_states AS TABLE (
    user_id BIGINT NOT NULL PRIMARY KEY,
    -- The version that was loaded; NULL: the user had no state.
    expected BIGINT NULL,
    version BIGINT NOT NULL,
    state VARBINARY(200) NOT NULL,
    carried VARBINARY(200) NULL
);

CREATE TYPE finance_states AS TABLE (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    is_refund BIT NOT NULL,
    state VARBINARY(400) NOT NULL,
    carried VARBINARY(400) NULL,
    PRIMARY KEY (user_id, category_id, is_refund)
);

CREATE TYPE finance_judgements AS TABLE (
    transaction_key BINARY(16) NOT NULL PRIMARY KEY,
    detector VARCHAR(32) NULL,
    judgement VARBINARY(400) NULL,
    contribution VARBINARY(100) NULL,
    shadow NVARCHAR(400) NULL
);

CREATE TYPE finance_categories AS TABLE (
    category_id BIGINT NOT NULL,
    is_refund BIT NOT NULL,
    prior VARBINARY(MAX) NOT NULL,
    verdicts VARBINARY(MAX) NULL,
    PRIMARY KEY (category_id, is_refund)
);
GO
