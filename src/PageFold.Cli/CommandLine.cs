using System.CommandLine;
using System.CommandLine.Parsing;
using PageFold.Shared;

namespace PageFold.Cli;

/// <summary>Runs a command line: parses it, runs the command that it names, and reports errors in one line.</summary>
internal static class CommandLine
{
    /// <summary>What the command is, for its help.</summary>
    public const string Description = "PageFold keeps more data in the same memory: pages, compressed and packed into single page frames.";

    /// <summary>Runs a command line and returns the exit code.</summary>
    /// <param name="root">The commands.</param>
    /// <param name="args">The command line.</param>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        if (args is ["help", .. var asked])
            args = [.. asked, "--help"];
        root.HelpName = "pagefold";
        OptionalValues.Show(root);
        Terminal.SetUp();
        Interruptible.SurviveFileSizeLimit();
        try
        {
            ParseResult parsed = root.Parse(args);
            string[] path = [.. PathTo(parsed.CommandResult).Reverse()];
            // Such options belong to the parent command, which does not run.
            CommandResult? above = parsed.CommandResult.Parent as CommandResult;
            if (above?.Children.OfType<OptionResult>().FirstOrDefault(option => !option.Implicit) is { } early)
            {
                string name = parsed.CommandResult.Command.Name;
                return Fail(
                    $"{early.Option.Name} stands before '{name}', where it would not count; write it behind. See '{Help(path)}'.",
                    ExitCodes.BadInput);
            }
            if (ParseFailure.Of(parsed, args, path) is { } wrong)
                return Fail($"{wrong} See '{Help(path)}'.", ExitCodes.BadInput);
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UserErrorException e)
        {
            return Fail(e.Message, ExitCodes.BadInput);
        }
        catch (OutputClosedException)
        {
            return ExitCodes.OutputClosed;
        }
        catch (PageCorruptException e)
        {
            return Fail($"NOT verified: {e.Message.ReplaceLineEndings(" ")}", ExitCodes.Failure);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // If the working folder is gone, that is the reason, and Fail says so.
            string what = IsFolderGone() ? e.Message
                : $"the output cannot be written ({e.Message.TrimEnd('.')}); is the disk full, or the terminal gone?";
            return Fail(what, ExitCodes.BadInput);
        }
    }

    private static string Help(string[] path) => string.Join(' ', ["pagefold", .. path, "--help"]);

    private static IEnumerable<string> PathTo(CommandResult? result)
    {
        for (; result is { Command: not RootCommand }; result = result.Parent as CommandResult)
            yield return result.Command.Name;
    }

    private static bool IsFolderGone()
    {
        try
        {
            return Environment.CurrentDirectory.Length == 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static int Fail(string message, int exitCode)
    {
        const string FolderGone = " The working folder does not exist any more; change into another one.";
        try
        {
            Console.Error.WriteLine($"pagefold: {PrintableText.Of(message)}{(IsFolderGone() ? FolderGone : string.Empty)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Standard error cannot be written; the exit code has to suffice.
        }
        return exitCode;
    }
}
