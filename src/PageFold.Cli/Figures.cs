using System.Globalization;

namespace PageFold.Cli;

/// <summary>How figures of several rounds are shown.</summary>
internal static class Figures
{
    public static string Of(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Half of what lies between the extremes, beside the median; nothing where there is only one round.</summary>
    public static string Noise(int rounds, double median, double least, double most) => rounds < 2 ? string.Empty
        : $" {Terminal.PlusMinus}{Of(50 * (most - least) / median, "0")}%";

    /// <summary>What the figures are, for the line below them.</summary>
    public static string Legend(int rounds) => rounds < 2
        ? "one round, which says nothing about noise; --rounds takes more"
        : $"median of {rounds} rounds in turns, {Terminal.PlusMinus} half of what lies between the slowest and the fastest";

    /// <summary>A number of things, and the things.</summary>
    public static string Count(long number, string one, string many) => $"{Of(number, "N0")} {(number == 1 ? one : many)}";
}
