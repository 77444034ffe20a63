using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PageFold;

/// <summary>
/// Exceptions that every floor throws, and what the others are made with. Each floor has a class of its own for its exceptions.
/// </summary>
[StackTraceHidden]
internal static class Throw
{
    public static void IfDisposed(bool disposed, object instance) => ObjectDisposedException.ThrowIf(disposed, instance);

    public static void IfNegative(long value, string option)
    {
        if (value < 0)
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; choose zero or more.");
    }

    [DoesNotReturn]
    public static void Disposed(object instance) => throw new ObjectDisposedException(instance.GetType().FullName);

    public static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";

    /// <summary>What makes room within the limit.</summary>
    public static string RoomForMore(bool writesBack) =>
        writesBack ? "write pages back, or discard some, and compact" : "discard some pages, and compact";

    public static ArgumentException Invalid(OptionName option, OptionMessage message) =>
        OptionMessage.Create(text => new ArgumentException(text, Last(option)), message);

    public static ArgumentOutOfRangeException OutOfRange(OptionName option, object? value, OptionMessage message) =>
        OptionMessage.Create(text => new ArgumentOutOfRangeException(Last(option), value, text), message);

    public static MemoryLimitException NoMemory(OptionMessage message) =>
        OptionMessage.Create(text => new MemoryLimitException(text), message);

    // The property itself, which is in the options of its own type.
    public static string Last(OptionName option) => option.Property[(option.Property.LastIndexOf('.') + 1)..];
}
