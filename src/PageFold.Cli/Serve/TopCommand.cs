using System.CommandLine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli.Serve;

/// <summary><c>pagefold top</c>: a serving command, live.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan LongestInterval = TimeSpan.FromDays(1);

    public static Command Create()
    {
        Option<string> control = ControlCommands.ControlOption();
        Option<string?> export = ControlCommands.ExportOption();
        Option<string> interval = new("--interval")
        {
            Description = "Time between two looks, as in 1s.",
            DefaultValueFactory = _ => "1s",
            HelpName = "TIME",
        };
        Option<string?> count = new("--count") { Description = "End after so many looks. Default: never.", HelpName = "N" };
        Command command = new("top", "Watch a serving command: ratio, memory, classes, requests, latency. Ctrl-C ends it.")
        {
            control, export, interval, count,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop => Watch(
                parsed.GetValue(control)!,
                new ControlRequest { Command = "stat", Export = parsed.GetValue(export) },
                Interval(parsed.GetValue(interval)!),
                parsed.GetValue(count) is { } most ? Arguments.Integer("--count", most, 1, int.MaxValue, "1 or more") : int.MaxValue,
                stop),
            cancellation)));
        return command;
    }

    private static TimeSpan Interval(string text)
    {
        TimeSpan interval = ServeArguments.Time("--interval", text);
        return interval <= LongestInterval ? interval
            : throw new UserErrorException($"--interval {text} is longer than a day; choose 1d at most.");
    }

    private static int Watch(string control, ControlRequest request, TimeSpan interval, int most, CancellationToken stop)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
            return Watch(AnsiConsole.Write, control, request, interval, most, stop);
        return AnsiConsole.Live(new Text("Connecting ...")).AutoClear(false)
            .Start(live => Watch(live.UpdateTarget, control, request, interval, most, stop));
    }

    private static int Watch(
        Action<IRenderable> show, string control, ControlRequest request, TimeSpan interval, int most, CancellationToken stop)
    {
        ServerReport? before = null;
        for (int look = 0; look < most; look++)
        {
            if (look > 0 && stop.WaitHandle.WaitOne(interval))
                break;
            ControlReply reply = ControlClient.Ask(control, request, told: null, stop);
            if (reply.Error is { } error)
                return ControlCommands.Refused(error, reply.ExitCode);
            show(DiskView.Render(reply.Report!, before));
            before = reply.Report;
        }
        // Ctrl-C is how one leaves.
        return ExitCodes.Success;
    }
}
