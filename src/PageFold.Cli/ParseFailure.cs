using System.CommandLine;
using System.CommandLine.Parsing;

namespace PageFold.Cli;

/// <summary>Explains what is wrong with a command line that cannot be parsed, and how to correct it.</summary>
internal static class ParseFailure
{
    // Options whose value users tend to write without the option, because other commands take it so.
    private static readonly (string Option, string What)[] s_pathOptions = [("--data", "data"), ("--control", "the control socket")];

    /// <summary>Explains in one or two sentences what is wrong; null if nothing is, or help is requested.</summary>
    /// <param name="parsed">The result of the parser.</param>
    /// <param name="args">The command line.</param>
    /// <param name="path">The names of the command and of its parents.</param>
    public static string? Of(ParseResult parsed, string[] args, string[] path)
    {
        Command command = parsed.CommandResult.Command;
        if (parsed.Errors.Count == 0 && parsed.Action != command.Action)
            return null;
        string? unknown = args.Skip(path.Length).FirstOrDefault();
        if (parsed.Errors.Count > 0 && command.Subcommands.Count > 0 && !(command.Action is not null && unknown?.StartsWith('-') == true))
        {
            if (unknown?.StartsWith('-') == true)
                return $"there is no option '{unknown}'.";
            string what = unknown is null ? "a command is missing" : $"there is no command '{string.Join(' ', [.. path, unknown])}'";
            return $"{what}; the commands are: {string.Join(", ", command.Subcommands.Select(known => known.Name))}.";
        }
        // Before the parser's own message: the parser takes the next option as the value and then complains about what follows.
        string? wrong = Swallowed([.. command.Options, .. parsed.RootCommandResult.Command.Options], [.. args.Skip(path.Length)])
            ?? parsed.CommandResult.Children.OfType<OptionResult>().Select(Wrong).FirstOrDefault(reason => reason is not null);
        if (wrong is not null || parsed.Errors.Count == 0)
            return wrong;
        if (parsed.UnmatchedTokens.Count == 0 && command.Options.FirstOrDefault(Lacks) is { } missing)
            return $"{missing.Name} is missing; write {missing.Name} {missing.HelpName}: {Continued(missing.Description!)}";
        return parsed.Errors[0].Message.ReplaceLineEndings(" ") + Hint(command, parsed.UnmatchedTokens);

        bool Lacks(Option option) => option.Required && parsed.GetResult(option) is null or { Implicit: true };

        static string Continued(string sentence) => char.ToLowerInvariant(sentence[0]) + sentence[1..];
    }

    /// <summary>Finds an option that needs a value and is followed by another option; null if there is none.</summary>
    private static string? Swallowed(Option[] known, string[] args)
    {
        for (int i = 0; i + 1 < args.Length && args[i] != "--"; i++)
        {
            if (Find(args[i]) is { Arity.MinimumNumberOfValues: > 0 } option
                && (args[i + 1].StartsWith("--", StringComparison.Ordinal) || Find(args[i + 1]) is not null))
            {
                return $"{option.Name} needs a value, and '{args[i + 1]}' stands in its place; write {option.Name} {option.HelpName}.";
            }
            // The value is optional: an unknown option after it would be taken as the value.
            if (Find(args[i]) is { Arity: { MinimumNumberOfValues: 0, MaximumNumberOfValues: > 0 } }
                && args[i + 1].StartsWith("--", StringComparison.Ordinal) && args[i + 1] != "--" && Find(NameIn(args[i + 1])) is null)
            {
                return $"there is no option '{args[i + 1]}'.";
            }
        }
        return null;

        static string NameIn(string text) => text.Split('=', ':')[0];

        Option? Find(string name) => Array.Find(known, option => option.Name == name || option.Aliases.Contains(name));
    }

    /// <summary>Explains an option without its value, or one given more than once; null if nothing is wrong.</summary>
    private static string? Wrong(OptionResult result)
    {
        string name = result.Option.Name;
        if (result.IdentifierTokenCount > 1 && result.Option.Arity.MaximumNumberOfValues <= 1)
        {
            string given = result.Tokens.Count == 0 ? string.Empty
                : $" ({string.Join(", ", result.Tokens.Select(token => Arguments.Shown(token.Value)))})";
            return $"{name} is given {result.IdentifierTokenCount} times{given}; give it once.";
        }
        // An option that may be repeated needs a value each time.
        return result.Tokens.Count < result.IdentifierTokenCount * result.Option.Arity.MinimumNumberOfValues
            ? $"{name} needs a value; write {name} {result.Option.HelpName}."
            : null;
    }

    private static string Hint(Command command, IReadOnlyList<string> unmatched)
    {
        if (unmatched.Count == 0 || !Path.Exists(unmatched[0]))
            return string.Empty;
        (string option, string what) = s_pathOptions.FirstOrDefault(known => command.Options.Any(option => option.Name == known.Option));
        return option is null ? string.Empty : $" To name {what}, write {option} {unmatched[0]}.";
    }
}
