using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;

namespace PageFold.Cli;

/// <summary>
/// The help, in which a value that may be left out stands in brackets: <c>--swap [RATIO]</c>, and not <c>--swap &lt;RATIO&gt;</c>. Such
/// an option has the brackets in its <see cref="Option.HelpName"/>.
/// </summary>
internal sealed partial class OptionalValues : SynchronousCommandLineAction
{
    private readonly SynchronousCommandLineAction _help;

    private OptionalValues(SynchronousCommandLineAction help) => _help = help;

    /// <summary>Has a command, and those below it, show its help so.</summary>
    public static void Show(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new OptionalValues((SynchronousCommandLineAction)help.Action!);
    }

    // As the help itself has it: what else is wrong with the line does not matter.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        InvocationConfiguration configuration = parseResult.InvocationConfiguration;
        TextWriter output = configuration.Output;
        using StringWriter text = new();
        configuration.Output = text;
        try
        {
            return _help.Invoke(parseResult);
        }
        finally
        {
            configuration.Output = output;
            // As wide as before, so that the descriptions stay in their column.
            output.Write(Bracketed().Replace(text.ToString(), match => match.Groups["value"].Value + "  " + match.Groups["rest"].Value));
        }
    }

    [GeneratedRegex(@"<(?<value>\[[^\]<>]*\])>(?<rest>[ ]*)")]
    private static partial Regex Bracketed();
}
