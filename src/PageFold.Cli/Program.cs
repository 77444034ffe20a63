using System.CommandLine;
using PageFold.Cli;
using PageFold.Cli.Bench;
using PageFold.Cli.Measure;
using PageFold.Cli.Serve;
using PageFold.Cli.Tlb;

RootCommand root = new(CommandLine.Description)
{
    MeasureCommand.Create(),
    BenchCommand.Create(),
    TlbCommand.Create(),
    ServeCommand.Create(),
    TopCommand.Create(),
};
foreach (Command command in ControlCommands.Create())
    root.Add(command);
return await CommandLine.RunAsync(root, args);
