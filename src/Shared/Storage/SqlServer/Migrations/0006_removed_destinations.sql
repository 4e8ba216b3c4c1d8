-- Addresses of users that are gone: the command that adds one of them changes nothing, whether it is late or comes again. digest is that of the address, as in
-- notification_destinations, where the command that adds it was seen; accepted_at is then that command's time, and the removal's otherwise. Of commands that
-- add the same address, those before the last one that was seen change nothing either.
CREATE TABLE removed_destinations (
    user_id BIGINT NOT NULL,
    destination_key BINARY(16) NOT NULL,
    digest BINARY(32) NULL,
    accepted_at DATETIME2(6) NOT NULL,
    CONSTRAINT removed_destinations_pk PRIMARY KEY (user_id, destination_key)
);
GO

ALTER TABLE removed_destinations SET (LOCK_ESCALATION = DISABLE);
GO

-- As before, but addresses that were given after the erasure was accepted stay.
ALTER PROCEDURE finance_erase_rest @user_id BIGINT, @until DATETIME2(6) AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @conflicts INT, @baselines INT;
    BEGIN TRANSACTION;
    DELETE FROM repeat_conflicts WHERE user_id = @user_id AND accepted_at <= @until;
    SET @conflicts = @@ROWCOUNT;
    DELETE FROM anomaly_stats WHERE user_id = @user_id;
    SET @baselines = @@ROWCOUNT;
    DELETE FROM anomaly_stats_superseded WHERE user_id = @user_id;
    SET @baselines = @baselines + @@ROWCOUNT;
    UPDATE message_attempts SET last_error = '' WHERE CHARINDEX(CAST(@user_id AS VARCHAR(20)), last_error) > 0;
    DELETE FROM sensitivity WHERE user_id = @user_id AND accepted_at <= @until;
    DELETE FROM notification_deliveries WHERE user_id = @user_id;
    DELETE FROM removed_destinations WHERE user_id = @user_id AND accepted_at <= @until;
    DELETE FROM notification_destinations WHERE user_id = @user_id AND created_at <= @until;
    COMMIT TRANSACTION;
    SELECT @conflicts, @baselines;
END;
GO
