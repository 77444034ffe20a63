using System.Globalization;

namespace PageFold.Cli;

/// <summary>Formats figures of several rounds.</summary>
internal static class Figures
{
    public static string Of(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Half of the distance between the extremes, in percent of the median; empty if there is only one round.</summary>
    public static string Noise(int rounds, double median, double least, double most) => rounds < 2 ? string.Empty
        : $" {Terminal.PlusMinus}{Of(50 * (most - least) / median, "0")}%";

    /// <summary>An explanation of the figures, for the line below them.</summary>
    public static string Legend(int rounds) => rounds < 2
        ? "one round, which says nothing about noise; --rounds takes more"
        : $"median of {rounds} rounds in turns, {Terminal.PlusMinus} half of the distance between the slowest and the fastest";

    /// <summary>What holding data compressed saves.</summary>
    /// <param name="ratio">The data's bytes over all bytes held.</param>
    /// <param name="original">Bytes of the data.</param>
    /// <param name="compressed">The same, compressed.</param>
    /// <param name="training">Bytes that a training holds for a while, of those held.</param>
    public static string Saving(double ratio, long original, long compressed, long training = 0) =>
        training > 0 ? SavingWithout(training, ratio, original, compressed)
        : ratio >= 1 ? $"{Of(ratio, "0.00")} times as much data in the same memory"
        : compressed < original - original / 10 ? "more memory than the data itself: so little data does not pay for its tables"
        : "more memory than the data itself, which hardly compresses";

    // What the data holds once the training has ended.
    private static string SavingWithout(long training, double ratio, long original, long compressed)
    {
        double left = original / ratio - training;
        string saving = left > 0 ? Saving(original / left, original, compressed) : string.Empty;
        string held = $"{ByteSize.Format(training)} of it for training, given back after it";
        return saving.Length > 0 ? $"{held}; without it {saving}" : held;
    }

    /// <summary>Formats a number of things.</summary>
    public static string Count(long number, string one, string many) => $"{Of(number, "N0")} {(number == 1 ? one : many)}";
}
