using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>The stored state of a user.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Version">The number that every change of the user's states and contributions changes; null: the user has no state yet.</param>
/// <param name="State">What is known of the user.</param>
/// <param name="Carried">The part of it whose rows retention removed; null: none.</param>
internal sealed record KnownUser(long UserId, long? Version, UserState State, UserState? Carried = null);

/// <summary>The stored state of a user and category.</summary>
/// <param name="Key">The user and category.</param>
/// <param name="State">What is known.</param>
/// <param name="Carried">The part of it whose rows retention removed; null: none.</param>
internal sealed record KnownKey(StateKey Key, KeyState State, KeyState? Carried = null);

/// <summary>The states of one user after a batch, to be written where his version is still <see cref="Expected"/>.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Expected">The version that was loaded; null: the user had no state.</param>
/// <param name="Version">The version from now on.</param>
/// <param name="State">What is known of the user.</param>
/// <param name="Carried">The part of it whose rows retention removed.</param>
/// <param name="Keys">What is known of the user in the categories that changed.</param>
internal sealed record UserChange(long UserId, long? Expected, long Version, UserState State, UserState? Carried, IReadOnlyList<KeyChange> Keys);

/// <summary>The state of a user and category after a batch.</summary>
/// <param name="Category">The category.</param>
/// <param name="State">What is known.</param>
/// <param name="Carried">The part of it whose rows retention removed.</param>
/// <param name="IsNew">Whether there was no state before.</param>
internal sealed record KeyChange(CategoryKey Category, KeyState State, KeyState? Carried, bool IsNew);
