using System.CommandLine;
using PageFold.Cli;
using PageFold.Cli.Bench;
using PageFold.Cli.Measure;

RootCommand root = new("PageFold keeps more data in the same memory: pages, compressed and packed into single page frames.")
{
    MeasureCommand.Create(),
    BenchCommand.Create(),
};
root.HelpName = "pagefold";
try
{
    ParseResult parsed = root.Parse(args);
    if (parsed.Errors.Count == 0)
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    bool atRoot = parsed.CommandResult.Command == root;
    string what = atRoot
        ? $"{(args.Length == 0 ? "a command is missing" : $"there is no command '{args[0]}'")}; the commands are: {string.Join(", ", root.Subcommands.Select(command => command.Name))}."
        : parsed.Errors[0].Message.ReplaceLineEndings(" ");
    return Fail($"{what} See 'pagefold {(atRoot ? string.Empty : parsed.CommandResult.Command.Name + " ")}--help'.", ExitCodes.BadInput);
}
catch (UserErrorException e)
{
    return Fail(e.Message.ReplaceLineEndings(" "), ExitCodes.BadInput);
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    return Fail($"the output cannot be written ({e.Message.TrimEnd('.')}); is the disk full, or the terminal gone?", ExitCodes.BadInput);
}

static int Fail(string message, int exitCode)
{
    try
    {
        Console.Error.WriteLine($"pagefold: {message}");
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        // Nobody can be told; the exit code says it.
    }
    return exitCode;
}
