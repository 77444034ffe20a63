using System.CommandLine;
using System.Diagnostics;

namespace PageFold.Cli.Serve;

/// <summary><c>pagefold snapshot</c>: has a server save a disk, and writes what the server sends to the user's file or pipe.</summary>
internal static class SnapshotCommand
{
    private const string TheFile = "the file ";

    public static Command Create()
    {
        Argument<string> file = new("file")
        {
            Description = "The file, as this command sees it; an old one is replaced only when the new one is whole. Or a pipe, or - for "
                + "standard output.",
        };
        Option<string> control = ControlCommands.ControlOption();
        Option<string?> export = ControlCommands.ExportOption();
        Option<bool> raw = new("--raw")
        {
            Description = "Write a plain, sparse image of the disk, which other programs read, instead of a snapshot.",
        };
        Option<bool> json = ControlCommands.JsonOption();
        Command command = new(
            "snapshot",
            "Save a disk as it is at one point in time, while its clients go on. 'pagefold serve --restore' brings it back.")
        {
            file, control, export, raw, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop => Save(
                parsed.GetValue(file)!,
                parsed.GetValue(control)!,
                new ControlRequest { Command = "snapshot", Export = parsed.GetValue(export), Raw = parsed.GetValue(raw) },
                parsed.GetValue(json),
                stop),
            cancellation)));
        return command;
    }

    private static int Save(string path, string control, ControlRequest request, bool json, CancellationToken stop)
    {
        ControlReply reply;
        using (SnapshotPlace place = SnapshotPlace.Open(path))
        {
            reply = ControlCommands.Watch(
                "Saving", told => Receive(path, place, control, request with { HeldMark = place.HeldMark }, told, stop));
            if (place.IsStandardOutput)
                return ControlCommands.Show(reply, json, Console.Error);
        }
        return ControlCommands.Show(reply, json, Console.Out);
    }

    private static ControlReply Receive(
        string path, SnapshotPlace place, string control, ControlRequest request, Action<ControlReply> told, CancellationToken stop)
    {
        try
        {
            ControlReply reply = ControlClient.Ask(control, request, told, stop, place.Output);
            if (reply.Error is { } error)
                return error.StartsWith(TheFile, StringComparison.Ordinal) ? reply with { Error = $"{path} {error[TheFile.Length..]}" }
                    : reply;
            long received = Stopwatch.GetTimestamp();
            place.Output.Complete(stop);
            Dictionary<string, double> figures = new(reply.Result!);
            // The server does not know how long it takes to bring the file to the device.
            figures["seconds"] += Stopwatch.GetElapsedTime(received).TotalSeconds;
            return reply with { Result = figures };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{path} could not be written ({e.Message.TrimEnd('.')}); there is no new file, and one that was there is as it was. Make "
                + "room there, or choose another file.", e);
        }
    }
}
