using System.CommandLine;

namespace PageFold.Cli.Bench;

/// <summary>Stands for <c>pagefold bench cache</c>, which is an executable of its own, and says where it is.</summary>
/// <remarks>
/// The script <c>pagefold</c> at the root of the repository starts that executable; this one has no packages of other caches.
/// </remarks>
internal static class CacheBenchNotice
{
    /// <summary>What the command answers, for the help of the executable.</summary>
    public const string Answers = "How many requests of a trace does a cache answer, how fast, in how much memory, beside other caches?";

    public static Command Create()
    {
        Command command = new("cache", $"{Answers} In a checkout of the repository: ./pagefold bench cache.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction(new Func<ParseResult, int>(static _ => throw new UserErrorException(
            "'bench cache' is an executable of its own, because it needs the packages of other caches; run ./pagefold bench cache in a "
                + "checkout of the repository.")));
        return command;
    }
}
