using System.CommandLine;
using System.Text.Json;
using PageFold.CacheBench.Density;
using PageFold.CacheBench.Pauses;
using PageFold.Cli;

namespace PageFold.CacheBench;

/// <summary>What a child process does: one measurement, as a JSON object asks for it, with the report on standard output.</summary>
internal static class WorkerCommand
{
    public static Command Create() => new(ChildProcess.Worker, "One measurement in a process of its own, for this executable.")
    {
        Work("pauses", text => JsonSerializer.Serialize(
            new PauseWorker(JsonSerializer.Deserialize(text, PauseJson.Default.PauseRequest)!).Execute(), PauseJson.Default.PauseFigures)),
        Work("density", text => JsonSerializer.Serialize(
            DensityWorker.Execute(JsonSerializer.Deserialize(text, DensityJson.Default.DensityRequest)!),
            DensityJson.Default.DensityFigures)),
    };

    private static Command Work(string name, Func<string, string> work)
    {
        Argument<string> request = new("REQUEST") { Description = "The measurement, as JSON." };
        Command command = new(name, "One measurement.") { request };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            try
            {
                Console.Out.WriteLine(work(parsed.GetValue(request)!));
            }
            catch (JsonException e)
            {
                throw new UserErrorException($"the request is not as this executable writes it ({e.Message.TrimEnd('.')}).", e);
            }
            return ExitCodes.Success;
        });
        return command;
    }
}
