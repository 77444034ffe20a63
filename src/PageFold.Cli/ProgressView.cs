using System.Globalization;
using Spectre.Console;

namespace PageFold.Cli;

/// <summary>Shows on standard error how far a long piece of work is: bars where somebody looks, a line for each step where not.</summary>
internal static class ProgressView
{
    private const int MillisecondsBetweenLines = 15_000;

    /// <summary>Runs the work on a thread of its own and shows its progress until it ends.</summary>
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
            // Nobody looks any more. The work has things to put in order all the same, and is waited for.
        }
        return running.GetAwaiter().GetResult();
    }

    private static void ShowBars(IAnsiConsole error, WorkProgress progress, Task running)
    {
        error.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
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
        // Whatever writing needs is there before the process is weighed.
        Console.Error.Write(string.Empty);
        // Nothing about the preparation: what goes wrong in it is told in one line.
        int shown = 0;
        long told = 0;
        while (!Ended(running))
        {
            bool begun = progress.StepNumber != shown;
            if (!begun && Environment.TickCount64 - told < MillisecondsBetweenLines)
                continue;
            shown = progress.StepNumber;
            told = Environment.TickCount64;
            if (shown > 0)
                Console.Error.WriteLine(begun ? $"{progress.Name} ..." : string.Create(CultureInfo.InvariantCulture, $"{progress.Name} ... {100 * progress.Share:0} %"));
        }
    }

    // Waiting on the task itself would throw what it threw.
    private static bool Ended(Task running) => ((IAsyncResult)running).AsyncWaitHandle.WaitOne(100);
}
