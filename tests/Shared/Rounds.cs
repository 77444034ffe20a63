using System.Globalization;

namespace PageFold.Testing;

/// <summary>How often, or how long, a test repeats what is random in it.</summary>
/// <remarks>As often as finds a fault, and more often in the campaign <c>soak</c>.</remarks>
internal static class Rounds
{
    private static readonly int Times =
        int.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_TEST_TIMES") ?? "1", CultureInfo.InvariantCulture);

    public static int Of(int rounds) => rounds * Times;
}
