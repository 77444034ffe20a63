using Spectre.Console;

namespace PageFold.Cli;

/// <summary>Shows the progress of a long task on standard error: bars on a terminal, else a line for each step.</summary>
internal static class ProgressView
{
    // On a narrower terminal the clock would be folded.
    private const int MinWidthForClock = 60;

    /// <summary>Runs the task on a thread of its own and shows its progress until it ends.</summary>
    public static T Watch<T>(WorkProgress progress, Func<T> work)
    {
        Task<T> running = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        IAnsiConsole error = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        try
        {
            if (error.Profile.Capabilities.Interactive && !Console.IsErrorRedirected)
                ShowBars(error, progress, running);
            else
                ShowLines(progress, running);
        }
        catch (IOException)
        {
            // The terminal is gone. The task still has to clean up, so wait for it.
        }
        return running.GetAwaiter().GetResult();
    }

    private static void ShowBars(IAnsiConsole error, WorkProgress progress, Task running)
    {
        List<ProgressColumn> columns = [new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()];
        if (error.Profile.Width >= MinWidthForClock)
            columns.Add(new ElapsedTimeColumn());
        error.Progress()
            .AutoClear(true)
            .Columns([.. columns])
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("Preparing", maxValue: 1);
                while (!Ended(running))
                {
                    bar.Description = Markup.Escape(progress.Name);
                    bar.Value = progress.Share;
                }
            });
    }

    private static void ShowLines(WorkProgress progress, Task running)
    {
        // Write once before the measurement, so that the memory of the stream exists.
        Console.Error.Write(string.Empty);
        // No line about the preparation: an error in it is reported in one line.
        int shown = 0;
        while (!Ended(running))
        {
            int step = progress.StepNumber;
            if (step == shown)
                continue;
            shown = step;
            Console.Error.WriteLine($"{progress.Name} ...");
        }
    }

    // Waiting on the task itself would throw its exception.
    private static bool Ended(Task running) => ((IAsyncResult)running).AsyncWaitHandle.WaitOne(100);
}
