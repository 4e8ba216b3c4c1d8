namespace FinanceIngest.Notifications.Channels;

/// <summary>A user's address leads where this system does not go. The message names neither.</summary>
internal sealed class ForbiddenAddressException() : IOException("The address is not on the public internet, or not on port 443.");
