using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>
/// Reads and writes the states of users within a transaction. SQLite has one writer at a time, so that what is read under its lock still holds.
/// </summary>
internal static class SqliteStates
{
    /// <summary>Reads the state of a user.</summary>
    public const string UserSql = "SELECT user_id, version, state, carried FROM detection_users WHERE user_id = ?1";

    /// <summary>Reads the state of a user and category.</summary>
    public const string KeySql =
        "SELECT user_id, category_id, is_refund, state, carried FROM detection_states WHERE user_id = ?1 AND category_id = ?2 AND is_refund = ?3";

    private const string InsertUserSql = "INSERT INTO detection_users (user_id, version, state, carried) VALUES (?1, ?2, ?3, ?4)";

    private const string UpdateUserSql = "UPDATE detection_users SET version = ?2, state = ?3, carried = ?4 WHERE user_id = ?1";

    private const string InsertKeySql =
        "INSERT INTO detection_states (user_id, category_id, is_refund, state, carried) VALUES (?1, ?2, ?3, ?4, ?5)";

    private const string UpdateKeySql =
        "UPDATE detection_states SET state = ?4, carried = ?5 WHERE user_id = ?1 AND category_id = ?2 AND is_refund = ?3";

    /// <summary>Compares keys in the order in which their states lie in the file.</summary>
    public static int InOrder(StateKey one, StateKey other)
    {
        int order = one.UserId.CompareTo(other.UserId);
        order = order == 0 ? one.Category.CategoryId.CompareTo(other.Category.CategoryId) : order;
        return order == 0 ? one.Category.IsRefund.CompareTo(other.Category.IsRefund) : order;
    }

    /// <summary>Loads states, in the order in which they lie in the file.</summary>
    public static StateBook Load(SqliteSession session, IEnumerable<StateKey> keys)
    {
        StateKey[] inOrder = [.. keys];
        Array.Sort(inOrder, InOrder);
        List<KnownUser> users = [];
        List<KnownKey> states = new(inOrder.Length);
        SqliteStatement ofUser = session.Prepare(UserSql);
        SqliteStatement ofKey = session.Prepare(KeySql);
        long last = 0;
        foreach (StateKey key in inOrder)
        {
            if (key.UserId != last && ofUser.FirstOrDefault(ToUser, key.UserId) is { } user)
            {
                users.Add(user);
            }

            last = key.UserId;
            if (ofKey.FirstOrDefault(ToKey, key.UserId, key.Category.CategoryId, key.Category.IsRefund ? 1 : 0) is { } state)
            {
                states.Add(state);
            }
        }

        return new StateBook(users, states);
    }

    /// <summary>Writes states. The caller has loaded them in the same transaction.</summary>
    public static void Write(SqliteSession session, IReadOnlyList<UserChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        byte[] ofUser = new byte[UserState.Size];
        byte[] ofKey = new byte[KeyState.Size];
        foreach (UserChange change in changes)
        {
            change.State.Write(ofUser);
            session.Execute(
                change.Expected is null ? InsertUserSql : UpdateUserSql, change.UserId, change.Version, ofUser, StateBytes.OfCarried(change.Carried));
            foreach (KeyChange key in change.Keys)
            {
                key.State.Write(ofKey);
                session.Execute(
                    key.IsNew ? InsertKeySql : UpdateKeySql,
                    change.UserId, key.Category.CategoryId, key.Category.IsRefund ? 1 : 0, ofKey, StateBytes.OfCarried(key.Carried));
            }
        }
    }

    /// <summary>Reads a user of <c>user_id, version, state, carried</c>.</summary>
    public static KnownUser ToUser(SqliteRow row) => new(
        row.GetInt64(0), row.GetInt64(1), UserState.Read(row.GetBlobOrNull(2)), row.GetBlobOrNull(3) is { } carried ? UserState.Read(carried) : null);

    /// <summary>Reads a state of <c>user_id, category_id, is_refund, state, carried</c>.</summary>
    public static KnownKey ToKey(SqliteRow row) => new(
        StateKey.Of(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2) == 1),
        KeyState.Read(row.GetBlobOrNull(3)),
        row.GetBlobOrNull(4) is { } carried ? KeyState.Read(carried) : null);
}
