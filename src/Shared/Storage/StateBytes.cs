using FinanceIngest.Detection;

namespace FinanceIngest.Storage;

/// <summary>The bytes in which states are stored.</summary>
internal static class StateBytes
{
    public static byte[] Of(in UserState state)
    {
        byte[] bytes = new byte[UserState.Size];
        state.Write(bytes);
        return bytes;
    }

    public static byte[] Of(in KeyState state)
    {
        byte[] bytes = new byte[KeyState.Size];
        state.Write(bytes);
        return bytes;
    }

    public static byte[]? OfCarried(UserState? state) => state is { } given ? Of(given) : null;

    public static byte[]? OfCarried(KeyState? state) => state is { } given ? Of(given) : null;
}
