using System.CommandLine;
using PageFold.CacheBench;
using PageFold.Cli;
using PageFold.Cli.Bench;

RootCommand root = new(CommandLine.Description)
{
    new Command("bench", BenchCommand.Description) { CacheBenchCommand.Create() },
    WorkerCommand.Create(),
};
return await CommandLine.RunAsync(root, args);
