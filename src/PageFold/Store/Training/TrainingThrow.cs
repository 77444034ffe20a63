using System.Diagnostics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Training;

/// <summary>
/// Exceptions of training. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class TrainingThrow
{
    private static readonly OptionName DictionaryBytes = new("dictionaryBytes");

    public static void IfDictionarySizeInvalid(int bytes, int least, int most)
    {
        if (bytes < least || bytes > most)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes,
                $"A dictionary has {least} to {most} bytes, not {bytes}; 32768 is a good size.");
    }

    /// <param name="bytes">What a training takes at least.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="writesBack">True if pages can be written back.</param>
    /// <param name="mayOmitDictionary">True if a training without a dictionary takes less, and may fit.</param>
    public static MemoryLimitException NoMemoryToTrainTables(long bytes, long limit, bool writesBack, bool mayOmitDictionary)
    {
        OptionMessage message =
            $"No memory to train tables within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes {Throw.Bytes(bytes)} for a "
                + $"while; ";
        AddRemedy(message, bytes > limit, writesBack);
        if (mayOmitDictionary)
        {
            message.AppendLiteral(", or train without a dictionary (");
            message.AppendFormatted(DictionaryBytes);
            message.AppendLiteral(" 0)");
        }
        message.AppendLiteral(".");
        return Throw.NoMemory(message);
    }

    /// <param name="bytes">What a training takes at least.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="writesBack">True if pages can be written back.</param>
    public static MemoryLimitException NoMemoryToTrain(long bytes, long limit, bool writesBack)
    {
        OptionMessage message =
            $"No memory to train a dictionary within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes {Throw.Bytes(bytes)} for "
                + $"a while; ";
        AddRemedy(message, bytes > limit, writesBack);
        message.AppendLiteral(", or choose a smaller dictionary or a lower level.");
        return Throw.NoMemory(message);
    }

    public static MemoryLimitException GaveWay(string what, long limit) =>
        Throw.NoMemory(
            $"The training of {what} has ended early, and nothing has changed: a write needed its memory within {OptionNames.MemoryLimit} "
                + $"({Throw.Bytes(limit)}); train again when more is free, or raise {OptionNames.MemoryLimit}.");

    private static void AddRemedy(OptionMessage message, bool isAboveLimit, bool writesBack)
    {
        if (!isAboveLimit)
            message.AppendLiteral($"{Throw.RoomForMore(writesBack)}, then try again, or ");
        message.AppendLiteral("raise ");
        message.AppendFormatted(OptionNames.MemoryLimit);
    }
}
