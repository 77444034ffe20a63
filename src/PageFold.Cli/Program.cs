using System.CommandLine;
using System.CommandLine.Parsing;
using PageFold;
using PageFold.Cli;
using PageFold.Cli.Bench;
using PageFold.Cli.Measure;
using PageFold.Cli.Serve;
using PageFold.Cli.Tlb;
using PageFold.Shared;

RootCommand root = new("PageFold keeps more data in the same memory: pages, compressed and packed into single page frames.")
{
    MeasureCommand.Create(),
    BenchCommand.Create(),
    TlbCommand.Create(),
    ServeCommand.Create(),
    TopCommand.Create(),
};
foreach (Command command in ControlCommands.Create())
    root.Add(command);
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

static string Help(string[] path) => string.Join(' ', ["pagefold", .. path, "--help"]);

static IEnumerable<string> PathTo(CommandResult? result)
{
    for (; result is { Command: not RootCommand }; result = result.Parent as CommandResult)
        yield return result.Command.Name;
}

static bool IsFolderGone()
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

static int Fail(string message, int exitCode)
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
