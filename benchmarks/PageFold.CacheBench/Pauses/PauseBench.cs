using PageFold.CacheBench.Subjects;
using PageFold.Cli;

namespace PageFold.CacheBench.Pauses;

/// <summary>Compares caches by the pauses of the garbage collector, each in a process of its own.</summary>
internal sealed class PauseBench(PauseOptions options, WorkProgress progress, CancellationToken cancellation)
{
    private readonly List<string> _notes = [];
    private readonly List<PauseRow> _rows = [];

    public PauseReport Execute()
    {
        foreach (long live in options.LiveBytes)
        {
            foreach (bool server in options.ServerModes)
            {
                foreach (SubjectKind kind in options.Subjects)
                    Measure(kind, live, server);
            }
        }
        return new PauseReport { Minutes = options.Minutes, Threads = options.Threads, Notes = _notes, Rows = _rows };
    }

    private void Measure(SubjectKind kind, long live, bool server)
    {
        string collector = server ? "server" : "workstation";
        string what = $"{kind.Name}, {ByteSize.Format(live)} live, {collector}";
        progress.Begin(what, 1);
        Dictionary<string, string> environment = new()
        {
            ["DOTNET_gcServer"] = server ? "1" : "0",
            ["DOTNET_gcConcurrent"] = "1",
        };
        PauseFigures? figures = ChildProcess.Run(
            "pauses",
            new PauseRequest(kind.Name, live, options.Minutes, options.Threads, options.Seed),
            PauseJson.Default.PauseRequest,
            PauseJson.Default.PauseFigures,
            environment,
            out string reason,
            cancellation);
        if (figures is null)
        {
            _notes.Add($"{what} was not measured: {reason}");
            return;
        }
        if (figures.IsServer != server)
            _notes.Add($"{what}: the runtime did not take this collector; is it set elsewhere, or is there one processor only?");
        PauseRow? first = _rows.Find(row => row.LiveBytes == live && row.Collector == collector);
        double ratio = figures.InducedMilliseconds / (first?.Figures.InducedMilliseconds ?? figures.InducedMilliseconds);
        _rows.Add(new PauseRow(kind.Name, live, collector, ratio, figures));
        progress.Add(1);
    }
}
