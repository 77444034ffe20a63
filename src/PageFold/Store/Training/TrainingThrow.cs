using System.Diagnostics;
using System.Globalization;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Matching;

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

    private const string NoTablesFit = "make a store with a larger limit";

    private const string TablesMayFit = "write pages back, or discard some, and compact, then try again";

    private const string WithoutDictionary = ", or train without a dictionary.";

    public static void IfDictionarySizeInvalid(int bytes, int least, int most)
    {
        if (bytes < least || bytes > most)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes,
                $"A dictionary has {least} to {most} bytes, not {bytes}; 32768 is a good size.");
    }

    public static void IfPrefixSizeInvalid(int dictionaryBytes)
    {
        if (dictionaryBytes != 0 && dictionaryBytes is < PrefixTrainer.MinBytes or > MatchDictionary.MaxLength)
            throw new ArgumentOutOfRangeException(nameof(dictionaryBytes), dictionaryBytes,
                $"A dictionary of Fold has {PrefixTrainer.MinBytes} to {MatchDictionary.MaxLength} bytes, not {dictionaryBytes}; 0 is for "
                    + "none.");
    }

    public static void IfGainInvalid(double leastGain)
    {
        if (!(leastGain is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(leastGain), leastGain, string.Create(CultureInfo.InvariantCulture,
                $"A gain of {leastGain} cannot be asked for; choose a part of the bytes from 0 to less than 1, as in 0.02."));
    }

    public static MemoryLimitException NoMemoryToTrainTables(long bytes, long limit, bool hasDictionary) =>
        Throw.NoMemory(
            $"No memory to train tables within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes {Throw.Bytes(bytes)} for a "
                + $"while; {(bytes > limit ? NoTablesFit : TablesMayFit)}{(hasDictionary ? WithoutDictionary : ".")}");

    public static MemoryLimitException NoMemoryToTrain(long bytes, long limit) =>
        Throw.NoMemory(
            $"No memory to train a dictionary within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes {Throw.Bytes(bytes)} for "
                + $"a while; "
                + $"{(bytes > limit ? NoDictionaryFits : DictionaryMayFit)}");

    public static MemoryLimitException GaveWay(string what, long limit) =>
        Throw.NoMemory(
            $"The training of {what} has ended early: a write needed its memory within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}); "
                + $"train again when more is free, or make a store with a larger limit.");
}
