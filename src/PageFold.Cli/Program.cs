using System.CommandLine;
using PageFold.Cli;
using PageFold.Cli.Measure;

RootCommand root = new("PageFold keeps more data in the same memory: pages, compressed and packed into single page frames.")
{
    MeasureCommand.Create(),
};
root.HelpName = "pagefold";
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    await Console.Error.WriteLineAsync($"pagefold: {parsed.Errors[0].Message} See 'pagefold {parsed.CommandResult.Command.Name} --help'."
        .Replace("pagefold pagefold", "pagefold", StringComparison.Ordinal));
    return ExitCodes.BadInput;
}
try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (UserErrorException e)
{
    await Console.Error.WriteLineAsync($"pagefold: {e.Message}");
    return ExitCodes.BadInput;
}
