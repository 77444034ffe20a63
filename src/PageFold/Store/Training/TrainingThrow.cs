using System.Diagnostics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Training;

/// <summary>
/// Exceptions of training. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class TrainingThrow
{
    private const string NoDictionaryFits = "choose a smaller dictionary or a lower level, or make a store with a larger limit.";

    private const string DictionaryMayFit =
        "write pages back, or discard some, and compact, then try again, or choose a smaller dictionary or a lower level.";

    public static void IfDictionarySizeInvalid(int bytes, int least, int most)
    {
        if (bytes < least || bytes > most)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes,
                $"A dictionary has {least} to {most} bytes, not {bytes}; 32768 is a good size.");
    }

    public static MemoryLimitException NoMemoryToTrain(long bytes, long limit) =>
        Throw.NoMemory(
            $"No memory to train a dictionary within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes {Throw.Bytes(bytes)} for "
                + $"a while; "
                + $"{(bytes > limit ? NoDictionaryFits : DictionaryMayFit)}");
}
